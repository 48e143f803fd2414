export {
  type ArtifactJson,
  type ErrorJson,
  type ListArtifactsRequest,
  type ListArtifactsResponse,
  type PullJson,
  artifactJsonSchema,
  errorJson,
  errorJsonSchema,
  listArtifactsRequestSchema,
  listArtifactsResponseSchema,
  pullJsonSchema,
} from './artifact-json.js';
export {
  type Failure,
  type Schema,
  type Success,
  arraySchema,
  failureSchema,
  jsonSchema,
  successSchema,
} from './envelope.js';
export {
  type InstallJson,
  type InstalledJson,
  type RollbackJson,
  type RollbackRequest,
  installJsonSchema,
  installedJsonSchema,
  rollbackJsonSchema,
  rollbackRequestSchema,
} from './extension-json.js';
export {
  type JobJson,
  type JobRequest,
  type JobState,
  jobIdSchema,
  jobJsonSchema,
  jobRequestSchema,
  jobStates,
} from './job-json.js';
export {
  type ArtifactOrder,
  type ArtifactPageJson,
  type ArtifactQuery,
  artifactOrders,
  artifactPageJsonSchema,
  artifactQuerySchema,
} from './listing-json.js';
export {
  type ExistsJson,
  type ManifestJson,
  type ReferrerJson,
  type ReferrersQuery,
  type TagsJson,
  type VersionQuery,
  existsJsonSchema,
  manifestJsonSchema,
  referrerJsonSchema,
  referrersQuerySchema,
  repositoryQuerySchema,
  tagsJsonSchema,
  versionQuerySchema,
} from './manifest-json.js';
export { type MetricsJson, metricsJsonSchema } from './metrics-json.js';
export {
  type CacheStatsJson,
  type PruneJson,
  type PruneRequest,
  type VerifyJson,
  type VerifyRequest,
  cacheStatsJsonSchema,
  clearedJsonSchema,
  pruneJsonSchema,
  pruneRequestSchema,
  verifyJsonSchema,
  verifyRequestSchema,
} from './cache-json.js';
export {
  type ExtensionRequest,
  type KclPullRequest,
  type ServedPullJson,
  extensionRequestSchema,
  kclPullRequestSchema,
  servedPullJsonSchema,
} from './pull-request.js';
