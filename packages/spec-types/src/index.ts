export {
  type Annotations,
  annotations,
  directoryAnnotations,
  isPackedDirectory,
  isRefName,
} from './annotation.js';
export { BlobProgress, withoutProgress } from './blob-progress.js';
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
  PushBlobOptions,
  ReadableRepository,
  ReferrerLister,
  Repository,
  Resolver,
  TagDeleter,
  TagLister,
} from './contracts.js';
export { type Descriptor, type Platform, totalSize, emptyDescriptor } from './descriptor.js';
export {
  type Digest,
  type DigestAlgorithm,
  digestAlgorithm,
  digestEncoded,
  isDigest,
  parseDigest,
  verifiableAlgorithm,
} from './digest.js';
export { checkedListener } from './checked-listener.js';
export {
  type FailedRequest,
  OciError,
  type OciErrorCode,
  type OciErrorOptions,
  type RegistryError,
  type Side,
  abortError,
  amendError,
  asOciError,
  errorCodes,
  isAbort,
  isOciError,
  throwIfAborted,
} from './error.js';
export type { ErrorReason } from './error-reason.js';
export {
  type ExecutionConfig,
  type ImageConfig,
  type ImageHistory,
  parseImageConfig,
} from './image-config.js';
export type { ReadingOptions } from './lenient-reading.js';
export { type LayoutHeader, layoutHeader, parseLayoutHeader } from './layout.js';
export {
  type ImageIndex,
  type ImageManifest,
  type Manifest,
  artifactTypeOf,
  childrenOf,
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
  type RepositoryName,
  isRepositoryName,
  parseRepositoryName,
  repositoryNameGrammar,
} from './repository-name.js';
export { SingleFlight, onceDone } from './single-flight.js';
export type { ResolvedManifest } from './resolved-manifest.js';
export type { BlobDownloader, VerifiedFile } from './verified-file.js';
export { singleChunk } from './single-chunk.js';
export { type Tag, isExactVersion, isTag, parseTag, tagOfVersion, versionOfTag } from './tag.js';
