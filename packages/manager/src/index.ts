export { type Artifact } from './artifact.js';
export type { ArtifactSource, SourceRepository } from './artifact-source.js';
export {
  type ExtensionType,
  type RepositoryTemplates,
  defaultTemplates,
  extensionRepository,
  extensionTypes,
  kclRepository,
  parseExtensionType,
} from './artifact-name.js';
export type { ForgetOptions, ManagerCallOptions, PullOptions } from './call-options.js';
export { selectContentLayer } from './content-layer.js';
export type { FreshnessPolicy } from './freshness.js';
export { type ArtifactJson, type PullJson, artifactJson, pullJson } from './json.js';
export { type NamedRegistry, type PackageRepository } from './named-registry.js';
export { OciManager } from './manager.js';
export type { OciManagerOptions } from './oci-manager-options.js';
export { type Route, RouteTable } from './routes/route-table.js';
export { type ManifestInfo } from './manifest-info.js';
export { type ManagerMetrics } from './metrics.js';
export { type PulledArtifact } from './pulled-artifact.js';
export { readPulled } from './pulled-file.js';
export type { ReadThroughRepository } from './read-through.js';
export { type RetentionOptions } from './retention-schedule.js';
export {
  type ReachOptions,
  RegistrySet,
  type RegistrySettings,
  registryOptions,
} from './registry-set.js';
export { compareVersions } from './version-order.js';
