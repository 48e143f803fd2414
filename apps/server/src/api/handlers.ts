import type { ServerParts } from '../server-parts.js';
import { artifactHandlers } from './artifact-handlers.js';
import { cacheHandlers } from './cache-handlers.js';
import type { Handlers } from './endpoint.js';
import { eventHandlers } from './event-handlers.js';
import { extensionHandlers } from './extension-handlers.js';
import { jobHandlers } from './job-handlers.js';
import { metricsHandlers } from './metrics-handlers.js';
import { quotaHandlers } from './quota-handlers.js';
import { repositoryHandlers } from './repository-handlers.js';
import { storageHandlers } from './storage-handlers.js';
import { usageHandlers } from './usage-handlers.js';

/** Returns what does the work of each call, allowed by the rules before it does anything. */
export function createHandlers(parts: ServerParts): Handlers {
  return {
    ...artifactHandlers(parts),
    ...repositoryHandlers(parts),
    ...jobHandlers(parts),
    ...extensionHandlers(parts),
    ...cacheHandlers(parts),
    ...eventHandlers(parts),
    ...storageHandlers(parts),
    ...quotaHandlers(parts),
    ...usageHandlers(parts),
    ...metricsHandlers(parts),
  };
}
