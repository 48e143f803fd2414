export {
  type CallOptions,
  type Descriptor,
  type Digest,
  type ImageConfig,
  OciError,
  type OciErrorCode,
  type Platform,
  type Reference,
  type ResolvedManifest,
  type TransferEvent,
  isOciError,
} from '@oci/spec-types';

export { type ImageForOptions, imageFor } from './copy/image-for.js';
export { currentPlatform, entryFor } from './copy/platform-choice.js';
export {
  type Credential,
  type CredentialSource,
  staticCredentials,
} from './credentials/credential.js';
export { dockerConfigCredentials } from './credentials/docker-config.js';
export type { HostOptions } from './host-options.js';
export type { AttachOptions } from './manifest/attachment.js';
export {
  type NewIndex,
  type NewManifest,
  createIndex,
  createManifest,
} from './manifest/new-manifest.js';
export type { MirrorOptions } from './mirrors/mirror.js';
export { type OpenedRepository, openRepository } from './open-repository.js';
export { type Registry, createRegistry } from './registry.js';
export type { RegistryOptions } from './registry-options.js';
export type { RawRequest, RawResponse } from './registry-request.js';
export type { ListOptions } from './repository/listing.js';
export type { PushManifestOptions } from './repository/manifest-sink.js';
export type { ReferrersOptions } from './repository/referrers.js';
export type { RemoteRepository } from './repository/remote-repository.js';
export type { UploadContent } from './upload/blob-body.js';
export type { UploadOptions } from './upload/upload-options.js';
