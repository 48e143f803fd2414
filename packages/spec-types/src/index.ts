export {
  type Annotations,
  annotations,
  directoryAnnotations,
  isPackedDirectory,
  isRefName,
} from './annotation.js';
export { BlobProgress, withoutProgress } from './blob-progress.js';
export { BackOff } from './back-off.js';
export type {
  BlobMounter,
  BlobSink,
  BlobSource,
  ByteRange,
  CallOptions,
  Located,
  ManifestDeleter,
  ManifestSink,
  ManifestSource,
  Mirrored,
  ReadableRepository,
  ReferrerLister,
  Repository,
  Resolver,
  TagDeleter,
  TagLister,
} from './contracts.js';
export {
  type Descriptor,
  type Platform,
  descriptorSchema,
  totalSize,
  emptyDescriptor,
  platformSchema,
} from './descriptor.js';
export {
  type Digest,
  type DigestAlgorithm,
  digestAlgorithm,
  digestEncoded,
  isDigest,
  parseDigest,
  verifiableAlgorithm,
} from './digest.js';
export type { DocumentSchema, Finding } from './document-schema.js';
export {
  type FailedRequest,
  OciError,
  type OciErrorCode,
  type OciErrorOptions,
  type RegistryError,
  type Side,
  amendError,
  asOciError,
  errorCodes,
  isOciError,
  throwIfAborted,
} from './error.js';
export type { ErrorReason } from './error-reason.js';
export {
  type ExecutionConfig,
  type ImageConfig,
  type ImageHistory,
  imageConfigSchema,
  parseImageConfig,
} from './image-config.js';
export type { ReadingOptions } from './lenient-reading.js';
export { type LayoutHeader, layoutHeaderSchema, parseLayoutHeader } from './layout.js';
export {
  type ImageIndex,
  type ImageManifest,
  type Manifest,
  artifactTypeOf,
  childrenOf,
  imageIndexSchema,
  imageManifestSchema,
  maxManifestSize,
  parseManifest,
} from './manifest.js';
export {
  isImageManifestMediaType,
  isIndexMediaType,
  isManifestMediaType,
  isMediaType,
  manifestMediaTypes,
  mediaTypes,
  parseContentType,
} from './media-type.js';
export { type EventListener, Operation, type TransferEvent } from './operation.js';
export { type PathFault, foldedPath, pathComponents, pathFault } from './portable-path.js';
export { escapeHidden, hasHiddenCharacter, printable, printableJson, quoted } from './printable.js';
export { redact } from './redact.js';
export {
  type Reference,
  type RegistryHost,
  formatReference,
  networkHost,
  parseReference,
  parseRegistryHost,
  withDefaultTag,
} from './reference.js';
export { isBookkeepingTag, referrersTag } from './referrers-tag.js';
export {
  type RegistryErrorBody,
  type RegistryErrorCode,
  parseRegistryErrors,
  registryErrorBodySchema,
  registryErrorCodes,
} from './registry-error.js';
export {
  type ManifestReference,
  type Page,
  type RegistryRoute,
  type UploadStart,
  parseRegistryPath,
  registryPaths,
} from './registry-url.js';
export {
  type RepositoryName,
  isRepositoryName,
  parseRepositoryName,
  repositoryNameGrammar,
} from './repository-name.js';
export { parseRetryAfter } from './retry-after.js';
export {
  type Failure,
  type NextAttempt,
  Retries,
  type RetryRule,
  defaultRetryRule,
  isTransientStatus,
  mayWait,
  pauseBound,
} from './retry-rule.js';
export { SingleFlight, onceDone } from './single-flight.js';
export type { ResolvedManifest } from './resolved-manifest.js';
export type { BlobDownloader, VerifiedFile } from './verified-file.js';
export { singleChunk } from './single-chunk.js';
export { parseStrictJson } from './strict-json.js';
export { type Tag, isExactVersion, isTag, parseTag, tagOfVersion, versionOfTag } from './tag.js';
