import type { Endpoints } from './endpoint.js';
import {
  artifactJsonSchema,
  artifactPageJsonSchema,
  artifactQuerySchema,
  listArtifactsRequestSchema,
} from './json/artifact-json.js';
import {
  cacheStatsJsonSchema,
  clearedJsonSchema,
  pruneJsonSchema,
  pruneRequestSchema,
  verifyJsonSchema,
  verifyRequestSchema,
} from './json/cache-json.js';
import { arraySchema } from './json/envelope.js';
import {
  eventsJsonSchema,
  pingWebhookJsonSchema,
  pingWebhookRequestSchema,
  retriedJsonSchema,
  retryEventsRequestSchema,
} from './json/event-json.js';
import {
  installJsonSchema,
  installedJsonSchema,
  rollbackJsonSchema,
  rollbackRequestSchema,
} from './json/extension-json.js';
import { jobIdSchema, jobJsonSchema, jobRequestSchema } from './json/job-json.js';
import {
  existsJsonSchema,
  manifestJsonSchema,
  referrerJsonSchema,
  referrersQuerySchema,
  repositoryQuerySchema,
  tagsJsonSchema,
  versionQuerySchema,
} from './json/manifest-json.js';
import { metricsJsonSchema } from './json/metrics-json.js';
import {
  extensionRequestSchema,
  kclPullRequestSchema,
  servedPullJsonSchema,
} from './json/pull-json.js';
import { collectRequestSchema, storageJsonSchema } from './json/storage-json.js';
import { quotasJsonSchema, quotasQuerySchema } from './json/quota-json.js';
import { usageJsonSchema, usageQuerySchema } from './json/usage-json.js';
import { verifyStorageRequestSchema } from './json/verification-json.js';

/** Every call of the API, as the server checks and describes it; `calls.ts` has method and path. */
export const endpoints: Endpoints = {
  listArtifacts: {
    summary: 'Every version of every artifact of a namespace',
    needs: ['list'],
    input: listArtifactsRequestSchema,
    data: arraySchema(artifactJsonSchema),
  },
  browseArtifacts: {
    summary: 'The artifacts of a namespace, in pages, searched and sorted',
    input: artifactQuerySchema,
    data: artifactPageJsonSchema,
  },
  pullKclPackage: {
    summary: 'Pull a KCL package into the cache of the server',
    needs: ['pull'],
    input: kclPullRequestSchema,
    data: servedPullJsonSchema,
  },
  pullExtension: {
    summary: 'Pull an extension into the cache of the server',
    needs: ['pull'],
    input: extensionRequestSchema,
    data: servedPullJsonSchema,
  },
  artifactExists: {
    summary: 'Whether the registry has a version',
    input: versionQuerySchema,
    data: existsJsonSchema,
  },
  getManifest: {
    summary: 'The manifest of a version, from memory, disk, or the registry',
    input: versionQuerySchema,
    data: manifestJsonSchema,
  },
  listTags: {
    summary: 'The tags of a repository',
    input: repositoryQuerySchema,
    data: tagsJsonSchema,
  },
  listReferrers: {
    summary: 'What refers to a manifest: signatures, attestations, notes',
    input: referrersQuerySchema,
    data: arraySchema(referrerJsonSchema),
  },
  startJob: {
    summary: 'Begin a pull or an install that may take long',
    needs: ['pull', 'install'],
    input: jobRequestSchema,
    data: jobJsonSchema,
    status: 202,
  },
  listJobs: {
    summary: 'The jobs of the caller, newest first',
    data: arraySchema(jobJsonSchema),
  },
  getJob: {
    summary: 'How a job is getting on; its events are at /jobs/{id}/events',
    input: jobIdSchema,
    data: jobJsonSchema,
  },
  cancelJob: {
    summary: 'Cancel a job; one that has ended stays as it is',
    input: jobIdSchema,
    data: jobJsonSchema,
  },
  installExtension: {
    summary: 'Pull, validate and install an extension on the server',
    needs: ['install'],
    input: extensionRequestSchema,
    data: installJsonSchema,
  },
  rollbackExtension: {
    summary: 'Use the version again that was in use before',
    needs: ['install'],
    input: rollbackRequestSchema,
    data: rollbackJsonSchema,
  },
  listExtensions: {
    summary: 'The extensions that are installed on the server',
    data: arraySchema(installedJsonSchema),
  },
  cacheStats: { summary: 'What the cache holds', data: cacheStatsJsonSchema },
  pruneCache: {
    summary: 'Remove what rules let go from the cache',
    needs: ['admin'],
    input: pruneRequestSchema,
    data: pruneJsonSchema,
  },
  verifyCache: {
    summary: 'Hash what the cache holds, and set aside what is damaged',
    needs: ['admin'],
    input: verifyRequestSchema,
    data: verifyJsonSchema,
  },
  clearManifests: { summary: 'Forget the manifests in memory', data: clearedJsonSchema },
  getEvents: {
    summary: 'Events that wait for webhooks or were given up, and how webhooks are getting on',
    data: eventsJsonSchema,
  },
  retryEvents: {
    summary: 'Have events delivered that were given up',
    needs: ['admin'],
    input: retryEventsRequestSchema,
    data: retriedJsonSchema,
  },
  pingWebhook: {
    summary: 'Send an event to a webhook to try it',
    needs: ['admin'],
    input: pingWebhookRequestSchema,
    data: pingWebhookJsonSchema,
  },
  getStorage: {
    summary: 'What works on the storage of hosted repositories, or did last',
    data: storageJsonSchema,
  },
  collectStorage: {
    summary: 'Begin to remove what nothing refers to from the storage; watch the job, or cancel it',
    needs: ['admin'],
    input: collectRequestSchema,
    data: jobJsonSchema,
    status: 202,
  },
  verifyStorage: {
    summary:
      'Begin to read and hash all that is stored, or go on with it; watch the job, or cancel it',
    needs: ['admin'],
    input: verifyStorageRequestSchema,
    data: jobJsonSchema,
    status: 202,
  },
  listQuotas: {
    summary: 'How full the namespaces of hosted repositories are that have a quota',
    needs: ['observe'],
    input: quotasQuerySchema,
    data: quotasJsonSchema,
  },
  runRetention: {
    summary: 'Begin to remove what the rules of retention let go; watch the job, or cancel it',
    needs: ['admin'],
    input: collectRequestSchema,
    data: jobJsonSchema,
    status: 202,
  },
  listUsage: {
    summary: 'How often the manifests of a hosted repository were pulled, and when last',
    input: usageQuerySchema,
    data: usageJsonSchema,
  },
  metricsSummary: {
    summary: 'Pulls, cache hits, download time and bytes',
    data: metricsJsonSchema,
  },
};
