export type { AuthFileLocation } from './credentials/auth-file-path.js';
export { LayoutArchive } from './archive/layout-archive.js';
export type { WritableRepository } from './copy/ability.js';
export { copy } from './copy/copy.js';
export type { CopyEvent } from './copy/copy-event.js';
export type {
  CopyOptions,
  CopyResult,
  CopySource,
  CopyTally,
  CopyTarget,
  LeftBehind,
} from './copy/copy-options.js';
export { type GraphLimits, defaultGraphLimits } from './copy/graph.js';
export {
  currentPlatform,
  entryFor,
  formatPlatform,
  parsePlatform,
} from './copy/platform-choice.js';
export {
  type Credential,
  type CredentialAsk,
  type CredentialReport,
  type CredentialSource,
  type HelperFailurePolicy,
  chainCredentials,
  reportCredential,
  staticCredentials,
} from './credentials/credential.js';
export {
  type DockerConfigOptions,
  dockerConfigCredentials,
  dockerConfigHeaders,
  helperCredentials,
} from './credentials/docker-config.js';
export { type EnvironmentTokenOptions, environmentToken } from './credentials/environment-token.js';
export {
  type LoginOptions,
  type LoginResult,
  type LogoutResult,
  login,
  logout,
} from './credentials/login.js';
export type {
  CertificateFacts,
  Probe,
  ProbeEvidence,
  ProbeName,
  ProbeOutcome,
  RegistryReport,
  TlsFacts,
} from './doctor/probe.js';
export { type ProbeOptions, probeRegistry } from './doctor/probe-registry.js';
export type { ClientCertificate, HostOptions } from './host-options.js';
export type { MirrorOptions, PullFromMirror } from './mirrors/mirror.js';
export { type ProxyOptions, proxyFromEnvironment } from './proxy/proxy-options.js';
export {
  type DownloadTarget,
  LayoutDirectory,
  type LayoutDirectoryOptions,
} from './layout/layout-directory.js';
export { type Location, formatLocation, parseLocation } from './location/location.js';
export {
  type Connect,
  type OpenSource,
  type OpenTarget,
  openSource,
  openTarget,
} from './location/open-location.js';
export { MemoryRepository } from './memory/memory-repository.js';
export { type DownloadPolicy, defaultDownloadPolicy } from './download/download-policy.js';
export type { AttemptTrace, OperationTrace } from './diagnostics.js';
export { type Registry, createRegistry } from './registry.js';
export { type OpenedRepository, openRepository } from './open-repository.js';
export type { RawRequest, RawRequestOptions, RawResponse } from './registry-request.js';
export {
  type NewIndex,
  type NewManifest,
  createIndex,
  createManifest,
} from './manifest/new-manifest.js';
export type { AttachOptions, NewLayer } from './manifest/attachment.js';
export type { RegistryOptions } from './registry-options.js';
export { type RegistryAddress, parseRegistryAddress } from './registry-address.js';
export type { ListOptions } from './repository/listing.js';
export type { PushManifestOptions } from './repository/manifest-sink.js';
export type { ReferrersOptions } from './repository/referrers.js';
export { RemoteRepository } from './repository/remote-repository.js';
export { resolvesInternally } from './transport/address-policy.js';
export { type BodyLimits, defaultLimits } from './transport/bounded-body.js';
export { type PacePolicy, defaultPacePolicy } from './transport/host-pace.js';
export type { Attempt, AttemptObserver, AttemptOutcome } from './transport/observe.js';
export { type HeaderSource, isSettableHeader, mergeHeaders } from './transport/origin-headers.js';
export { type RetryPolicy, defaultRetryPolicy } from './transport/retry-policy.js';
export { type Timeouts, defaultTimeouts } from './transport/connection-options.js';
export type { BlobBody, RepeatableBody, UploadContent } from './upload/blob-body.js';
export type { UploadOptions } from './upload/upload-options.js';
export type { UploadSession } from './upload/upload-session.js';
