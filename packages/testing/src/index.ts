export { gzip } from './archive/gzip.js';
export { type TarEntry, type TarEntryType, type TarOptions, tar } from './archive/tar.js';
export {
  type ArtifactBytes,
  type BlobBytes,
  blobBytes,
  contentOf,
  emptyConfigBytes,
} from './artifact/artifact-bytes.js';
export {
  type ExtensionArtifactOptions,
  type ExtensionType,
  extensionArtifact,
  extensionArtifactType,
  sampleExtensionFiles,
} from './artifact/extension-artifact.js';
export { type FileContents, type Files, tarOfFiles } from './artifact/files.js';
export { type GuideArtifactOptions, guideArtifact } from './artifact/guide-artifact.js';
export { type HelmChartOptions, helmChart } from './artifact/helm-chart.js';
export { type ImageIndexOptions, imageIndex } from './artifact/image-index.js';
export { type ImageOptions, image } from './artifact/image.js';
export {
  type KclEra,
  type KclPackageOptions,
  kclPackage,
  kclSum,
  sampleKclFiles,
} from './artifact/kcl-package.js';
export { bytesOf, collect, inChunks, randomBytes, textOf } from './bytes.js';
export { compile } from './peer/compile.js';
export {
  type DockerRegistry,
  type DockerRegistryOptions,
  dockerRegistryCredential,
  startDockerRegistry,
} from './peer/docker-registry.js';
export {
  type FaultyProxy,
  type ProxiedRequest,
  type ProxyFault,
  startFaultyProxy,
} from './peer/faulty-proxy.js';
export type { JwtTokenServer } from './peer/jwt-token-server.js';
export { peer } from './peer/peer.js';
export {
  type RegistryTool,
  type ToolAccess,
  type ToolName,
  registryTool,
} from './peer/registry-tool.js';
export { radosgwPrograms, startRadosgw } from './peer/radosgw.js';
export { type ProgramResult, killAtOutput, run } from './peer/run.js';
export {
  type ProgramEnd,
  type RunningProgram,
  type StartOptions,
  startProgram,
} from './peer/running-program.js';
export type { RegistryAuth, TokenGrant, TokenServerOptions } from './registry/auth-options.js';
export type { Certificate } from './registry/certificate.js';
export { type CertificateAuthority, testAuthority } from './registry/certificate-authority.js';
export type { RepositoryContent, StoredManifest } from './registry/content.js';
export type { Fault } from './registry/fault.js';
export type { RecordedRequest, RequestMatch } from './registry/recorded-request.js';
export type { TokenRequest } from './registry/token-endpoint.js';
export {
  type RegistryOptions,
  type TestRegistry,
  startRegistry,
} from './registry/test-registry.js';
export type { S3Service } from './peer/s3-service.js';
export { type Versitygw, startVersitygw } from './peer/versitygw.js';
export { type Zot, startZot } from './peer/zot.js';
export { type SmallDisk, canMount, mountDisk } from './small-disk.js';
export { type TemporaryDirectory, temporaryDirectory } from './temporary-directory.js';
