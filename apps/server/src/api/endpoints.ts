import {
  type ArtifactJson,
  type ArtifactPageJson,
  type ArtifactQuery,
  type CacheStatsJson,
  type ExistsJson,
  type ExtensionRequest,
  type InstallJson,
  type JobJson,
  type JobRequest,
  type KclPullRequest,
  type ListArtifactsRequest,
  type ManifestJson,
  type MetricsJson,
  type ReferrerJson,
  type ReferrersQuery,
  type InstalledJson,
  type PruneJson,
  type PruneRequest,
  type RollbackJson,
  type RollbackRequest,
  type VerifyJson,
  type VerifyRequest,
  type Schema,
  type ServedPullJson,
  type TagsJson,
  type VersionQuery,
  arraySchema,
  artifactJsonSchema,
  artifactPageJsonSchema,
  artifactQuerySchema,
  cacheStatsJsonSchema,
  clearedJsonSchema,
  existsJsonSchema,
  extensionRequestSchema,
  installJsonSchema,
  jobIdSchema,
  jobJsonSchema,
  jobRequestSchema,
  kclPullRequestSchema,
  listArtifactsRequestSchema,
  manifestJsonSchema,
  metricsJsonSchema,
  referrerJsonSchema,
  referrersQuerySchema,
  repositoryQuerySchema,
  servedPullJsonSchema,
  installedJsonSchema,
  pruneJsonSchema,
  pruneRequestSchema,
  rollbackJsonSchema,
  rollbackRequestSchema,
  verifyJsonSchema,
  verifyRequestSchema,
  tagsJsonSchema,
  versionQuerySchema,
} from '@oci/spec-types/api';

import type { Action } from '../access/rule.js';

/** One call of the API: what the server validates, the document describes, and the client sends. */
export interface Endpoint<Input, Data> {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** A path with at most one `{name}`. */
  readonly path: string;
  readonly summary: string;
  /** Where its input stands: in the body, in the query, or in the path. */
  readonly from?: 'body' | 'query' | 'path';
  readonly input?: Schema<Input>;
  readonly data: Schema<Data>;
  /** Actions of which a caller has to be allowed one, somewhere, before its body is read. */
  readonly needs?: readonly Action[];
  /** Default 200. */
  readonly status?: 200 | 202;
}

/** The type of every call, by its name. */
export interface Endpoints {
  listArtifacts: Endpoint<ListArtifactsRequest, readonly ArtifactJson[]>;
  browseArtifacts: Endpoint<ArtifactQuery, ArtifactPageJson>;
  pullKclPackage: Endpoint<KclPullRequest, ServedPullJson>;
  pullExtension: Endpoint<ExtensionRequest, ServedPullJson>;
  artifactExists: Endpoint<VersionQuery, ExistsJson>;
  getManifest: Endpoint<VersionQuery, ManifestJson>;
  listTags: Endpoint<{ readonly repository: string }, TagsJson>;
  listReferrers: Endpoint<ReferrersQuery, readonly ReferrerJson[]>;
  startJob: Endpoint<JobRequest, JobJson>;
  listJobs: Endpoint<undefined, readonly JobJson[]>;
  getJob: Endpoint<{ readonly id: string }, JobJson>;
  cancelJob: Endpoint<{ readonly id: string }, JobJson>;
  installExtension: Endpoint<ExtensionRequest, InstallJson>;
  rollbackExtension: Endpoint<RollbackRequest, RollbackJson>;
  listExtensions: Endpoint<undefined, readonly InstalledJson[]>;
  cacheStats: Endpoint<undefined, CacheStatsJson>;
  pruneCache: Endpoint<PruneRequest, PruneJson>;
  verifyCache: Endpoint<VerifyRequest, VerifyJson>;
  clearManifests: Endpoint<undefined, { readonly cleared: number }>;
  metricsSummary: Endpoint<undefined, MetricsJson>;
}

const base = '/api/v1/oci';

/** Every call of the API. */
export const endpoints: { readonly [K in keyof Endpoints]: Endpoints[K] } = {
  listArtifacts: {
    method: 'POST',
    path: `${base}/artifacts`,
    summary: 'Every version of every artifact of a namespace',
    from: 'body',
    needs: ['list'],
    input: listArtifactsRequestSchema,
    data: arraySchema(artifactJsonSchema),
  },
  browseArtifacts: {
    method: 'GET',
    path: `${base}/artifacts`,
    summary: 'The artifacts of a namespace, in pages, searched and sorted',
    from: 'query',
    input: artifactQuerySchema,
    data: artifactPageJsonSchema,
  },
  pullKclPackage: {
    method: 'POST',
    path: `${base}/pull/kcl`,
    summary: 'Pull a KCL package into the cache of the server',
    from: 'body',
    needs: ['pull'],
    input: kclPullRequestSchema,
    data: servedPullJsonSchema,
  },
  pullExtension: {
    method: 'POST',
    path: `${base}/pull/extension`,
    summary: 'Pull an extension into the cache of the server',
    from: 'body',
    needs: ['pull'],
    input: extensionRequestSchema,
    data: servedPullJsonSchema,
  },
  artifactExists: {
    method: 'GET',
    path: `${base}/exists`,
    summary: 'Whether the registry has a version',
    from: 'query',
    input: versionQuerySchema,
    data: existsJsonSchema,
  },
  getManifest: {
    method: 'GET',
    path: `${base}/manifest`,
    summary: 'The manifest of a version, from memory, disk, or the registry',
    from: 'query',
    input: versionQuerySchema,
    data: manifestJsonSchema,
  },
  listTags: {
    method: 'GET',
    path: `${base}/tags`,
    summary: 'The tags of a repository',
    from: 'query',
    input: repositoryQuerySchema,
    data: tagsJsonSchema,
  },
  listReferrers: {
    method: 'GET',
    path: `${base}/referrers`,
    summary: 'What refers to a manifest: signatures, attestations, notes',
    from: 'query',
    input: referrersQuerySchema,
    data: arraySchema(referrerJsonSchema),
  },
  startJob: {
    method: 'POST',
    path: `${base}/jobs`,
    summary: 'Begin a pull or an install that may take long',
    from: 'body',
    needs: ['pull', 'install'],
    input: jobRequestSchema,
    data: jobJsonSchema,
    status: 202,
  },
  listJobs: {
    method: 'GET',
    path: `${base}/jobs`,
    summary: 'The jobs of the caller, newest first',
    data: arraySchema(jobJsonSchema),
  },
  getJob: {
    method: 'GET',
    path: `${base}/jobs/{id}`,
    summary: 'How a job is getting on; its events are at /jobs/{id}/events',
    from: 'path',
    input: jobIdSchema,
    data: jobJsonSchema,
  },
  cancelJob: {
    method: 'POST',
    path: `${base}/jobs/{id}/cancel`,
    summary: 'Cancel a job; one that has ended stays as it is',
    from: 'path',
    input: jobIdSchema,
    data: jobJsonSchema,
  },
  installExtension: {
    method: 'POST',
    path: `${base}/extensions/install`,
    summary: 'Pull, validate and install an extension on the server',
    from: 'body',
    needs: ['install'],
    input: extensionRequestSchema,
    data: installJsonSchema,
  },
  rollbackExtension: {
    method: 'POST',
    path: `${base}/extensions/rollback`,
    summary: 'Use the version again that was in use before',
    from: 'body',
    needs: ['install'],
    input: rollbackRequestSchema,
    data: rollbackJsonSchema,
  },
  listExtensions: {
    method: 'GET',
    path: `${base}/extensions`,
    summary: 'The extensions that are installed on the server',
    data: arraySchema(installedJsonSchema),
  },
  cacheStats: {
    method: 'GET',
    path: `${base}/cache`,
    summary: 'What the cache holds',
    data: cacheStatsJsonSchema,
  },
  pruneCache: {
    method: 'POST',
    path: `${base}/cache/prune`,
    summary: 'Remove what rules let go from the cache',
    from: 'body',
    needs: ['admin'],
    input: pruneRequestSchema,
    data: pruneJsonSchema,
  },
  verifyCache: {
    method: 'POST',
    path: `${base}/cache/verify`,
    summary: 'Hash what the cache holds, and set aside what is damaged',
    from: 'body',
    needs: ['admin'],
    input: verifyRequestSchema,
    data: verifyJsonSchema,
  },
  clearManifests: {
    method: 'DELETE',
    path: `${base}/cache/manifests`,
    summary: 'Forget the manifests in memory',
    data: clearedJsonSchema,
  },
  metricsSummary: {
    method: 'GET',
    path: `${base}/metrics`,
    summary: 'Pulls, cache hits, download time and bytes',
    data: metricsJsonSchema,
  },
};
