import { runCollection } from './collection-run.js';
import { type UpkeepTask, startUpkeep } from './hosted/upkeep.js';
import { scheduleVerification } from './hosted/verification/verification-schedule.js';
import { runRetention } from './retention-run.js';
import {
  type ServerOptions,
  defaultCollectionIntervalMs,
  verificationIntervalMs,
} from './server-options.js';
import type { ServerParts } from './server-parts.js';
import { runVerification } from './verification-run.js';

/**
 * Collects and verifies the storage of a server while it serves, each when it is due.
 *
 * @param options the present ones, which a reload replaces
 * @returns a function that ends it, and settles when nothing runs any more
 */
export function startStorageWork(
  parts: ServerParts,
  options: () => ServerOptions,
  log: { error(fields: object, message: string): void },
): () => Promise<void> {
  const { hosted } = parts;
  const tasks: readonly UpkeepTask[] = [
    // What rules let go is collected at once.
    {
      name: 'retention',
      isDue: (intervalMs) => hosted.retention.isDue(intervalMs),
      run: (call) => runRetention(parts, call, { who: 'server' }),
    },
    {
      name: 'collection',
      isDue: (intervalMs) => hosted.collection.isDue(intervalMs),
      run: (call) => runCollection(parts, call, { who: 'server' }),
    },
    {
      name: 'recount of quotas',
      isDue: (intervalMs) => hosted.quotas.isRecountDue(intervalMs),
      run: (call) => hosted.quotas.recount(call),
    },
    {
      name: 'quarantine',
      isDue: isDueHere(),
      run: (call) => hosted.quarantine.expire(call),
    },
  ];
  const ends = [
    startUpkeep({
      hosted,
      intervalMs: () => options().collection?.intervalMs ?? defaultCollectionIntervalMs,
      tasks,
      onFailure: (err, task) => log.error({ err, task }, 'upkeep of the storage failed'),
    }),
    scheduleVerification({
      verification: hosted.verification,
      intervalMs: () => verificationIntervalMs(options()),
      run: (call) => runVerification(parts, call, { who: 'server' }),
      onFailure: (err) => log.error({ err }, 'the verification of the storage failed'),
    }),
  ];
  return async () => {
    await Promise.all(ends.map((end) => end()));
  };
}

/** Returns what tells whether this process has not done something for so long. */
function isDueHere(): UpkeepTask['isDue'] {
  let lastAt = Number.NEGATIVE_INFINITY;
  return async (intervalMs) => {
    const now = performance.now();
    if (now - lastAt < intervalMs) return false;
    lastAt = now;
    return true;
  };
}
