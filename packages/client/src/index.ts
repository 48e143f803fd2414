export {
  type Credential,
  type CredentialSource,
  chainCredentials,
  staticCredentials,
} from './credentials/credential.js';
export { type DockerConfigOptions, dockerConfigCredentials } from './credentials/docker-config.js';
export { type DownloadPolicy, defaultDownloadPolicy } from './download/download.js';
export { type Registry, type RegistryOptions, createRegistry } from './registry.js';
export { type RegistryAddress, parseRegistryAddress } from './registry-address.js';
export { type RemoteOptions } from './repository/endpoint.js';
export type { PushManifestOptions } from './repository/manifest-sink.js';
export type { ReferrersOptions } from './repository/referrers.js';
export { RemoteRepository } from './repository/remote-repository.js';
export { type BodyLimits, defaultLimits } from './transport/bounded-body.js';
export { type PacePolicy, defaultPacePolicy } from './transport/host-pace.js';
export type { Attempt, AttemptObserver, AttemptOutcome } from './transport/observe.js';
export { type RetryPolicy, defaultRetryPolicy } from './transport/retry.js';
export { type Timeouts, defaultTimeouts } from './transport/send.js';
export type { BlobBody, UploadContent } from './upload/blob-body.js';
export type { UploadOptions } from './upload/upload.js';
export type { UploadSession } from './upload/upload-session.js';
