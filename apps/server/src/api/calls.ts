import type { ArtifactJson } from '@oci/manager';

import type {
  ArtifactPageJson,
  ArtifactQuery,
  ListArtifactsRequest,
} from './json/artifact-json.js';
import type {
  CacheStatsJson,
  PruneJson,
  PruneRequest,
  VerifyJson,
  VerifyRequest,
} from './json/cache-json.js';
import type {
  EventsJson,
  PingWebhookJson,
  PingWebhookRequest,
  RetryEventsRequest,
} from './json/event-json.js';
import type {
  InstallJson,
  InstalledJson,
  RollbackJson,
  RollbackRequest,
} from './json/extension-json.js';
import type { JobJson, JobRequest } from './json/job-json.js';
import type {
  ExistsJson,
  ManifestJson,
  ReferrerJson,
  ReferrersQuery,
  TagsJson,
  VersionQuery,
} from './json/manifest-json.js';
import type { MetricsJson } from './json/metrics-json.js';
import type { ExtensionRequest, KclPullRequest, ServedPullJson } from './json/pull-json.js';
import type { CollectRequest, StorageJson } from './json/storage-json.js';
import type { VerifyStorageRequest } from './json/verification-json.js';
import type { QuotasJson, QuotasQuery } from './json/quota-json.js';
import type { UsageJson, UsageQuery } from './json/usage-json.js';

/** How a call of the API is sent. */
export interface Call {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** A path with at most one `{name}`. */
  readonly path: string;
  /** The part of the request that holds the input. */
  readonly from?: 'body' | 'query' | 'path';
}

/** The input of every call and the data of its answer. */
export interface CallTypes {
  listArtifacts: [input: ListArtifactsRequest, data: readonly ArtifactJson[]];
  browseArtifacts: [input: ArtifactQuery, data: ArtifactPageJson];
  pullKclPackage: [input: KclPullRequest, data: ServedPullJson];
  pullExtension: [input: ExtensionRequest, data: ServedPullJson];
  artifactExists: [input: VersionQuery, data: ExistsJson];
  getManifest: [input: VersionQuery, data: ManifestJson];
  listTags: [input: { readonly repository: string }, data: TagsJson];
  listReferrers: [input: ReferrersQuery, data: readonly ReferrerJson[]];
  startJob: [input: JobRequest, data: JobJson];
  listJobs: [input: undefined, data: readonly JobJson[]];
  getJob: [input: { readonly id: string }, data: JobJson];
  cancelJob: [input: { readonly id: string }, data: JobJson];
  installExtension: [input: ExtensionRequest, data: InstallJson];
  rollbackExtension: [input: RollbackRequest, data: RollbackJson];
  listExtensions: [input: undefined, data: readonly InstalledJson[]];
  cacheStats: [input: undefined, data: CacheStatsJson];
  pruneCache: [input: PruneRequest, data: PruneJson];
  verifyCache: [input: VerifyRequest, data: VerifyJson];
  clearManifests: [input: undefined, data: { readonly cleared: number }];
  getEvents: [input: undefined, data: EventsJson];
  retryEvents: [input: RetryEventsRequest, data: { readonly retried: number }];
  pingWebhook: [input: PingWebhookRequest, data: PingWebhookJson];
  getStorage: [input: undefined, data: StorageJson];
  collectStorage: [input: CollectRequest, data: JobJson];
  verifyStorage: [input: VerifyStorageRequest, data: JobJson];
  runRetention: [input: CollectRequest, data: JobJson];
  listQuotas: [input: QuotasQuery, data: QuotasJson];
  listUsage: [input: UsageQuery, data: UsageJson];
  metricsSummary: [input: undefined, data: MetricsJson];
}

export type CallName = keyof CallTypes;

const base = '/api/v1/oci';

/** Every call: what the client sends, and the server answers by `endpoints.ts`. */
export const calls: Readonly<Record<CallName, Call>> = {
  listArtifacts: { method: 'POST', path: `${base}/artifacts`, from: 'body' },
  browseArtifacts: { method: 'GET', path: `${base}/artifacts`, from: 'query' },
  pullKclPackage: { method: 'POST', path: `${base}/pull/kcl`, from: 'body' },
  pullExtension: { method: 'POST', path: `${base}/pull/extension`, from: 'body' },
  artifactExists: { method: 'GET', path: `${base}/exists`, from: 'query' },
  getManifest: { method: 'GET', path: `${base}/manifest`, from: 'query' },
  listTags: { method: 'GET', path: `${base}/tags`, from: 'query' },
  listReferrers: { method: 'GET', path: `${base}/referrers`, from: 'query' },
  startJob: { method: 'POST', path: `${base}/jobs`, from: 'body' },
  listJobs: { method: 'GET', path: `${base}/jobs` },
  getJob: { method: 'GET', path: `${base}/jobs/{id}`, from: 'path' },
  cancelJob: { method: 'POST', path: `${base}/jobs/{id}/cancel`, from: 'path' },
  installExtension: { method: 'POST', path: `${base}/extensions/install`, from: 'body' },
  rollbackExtension: { method: 'POST', path: `${base}/extensions/rollback`, from: 'body' },
  listExtensions: { method: 'GET', path: `${base}/extensions` },
  cacheStats: { method: 'GET', path: `${base}/cache` },
  pruneCache: { method: 'POST', path: `${base}/cache/prune`, from: 'body' },
  verifyCache: { method: 'POST', path: `${base}/cache/verify`, from: 'body' },
  clearManifests: { method: 'DELETE', path: `${base}/cache/manifests` },
  getEvents: { method: 'GET', path: `${base}/storage/events` },
  retryEvents: { method: 'POST', path: `${base}/storage/events/retry`, from: 'body' },
  pingWebhook: { method: 'POST', path: `${base}/storage/events/ping`, from: 'body' },
  getStorage: { method: 'GET', path: `${base}/storage` },
  collectStorage: { method: 'POST', path: `${base}/storage/collect`, from: 'body' },
  verifyStorage: { method: 'POST', path: `${base}/storage/verify`, from: 'body' },
  runRetention: { method: 'POST', path: `${base}/storage/retention`, from: 'body' },
  listQuotas: { method: 'GET', path: `${base}/storage/quotas`, from: 'query' },
  listUsage: { method: 'GET', path: `${base}/storage/usage`, from: 'query' },
  metricsSummary: { method: 'GET', path: `${base}/metrics` },
};
