import { runCollection } from './collection-run.js';
import { startUpkeep } from './hosted/upkeep.js';
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
  const collect = {
    name: 'collection',
    run: (call: { readonly signal: AbortSignal }) => runCollection(parts, call, { who: 'server' }),
  };
  const retain = {
    name: 'retention',
    run: (call: { readonly signal: AbortSignal }) => runRetention(parts, call, { who: 'server' }),
  };
  const recount = {
    name: 'recount of quotas',
    run: (call: { readonly signal: AbortSignal }) => hosted.quotas.recount(call),
  };
  const expire = {
    name: 'quarantine',
    run: (call: { readonly signal: AbortSignal }) => hosted.quarantine.expire(call),
  };
  const ends = [
    startUpkeep({
      hosted,
      intervalMs: () => options().collection?.intervalMs ?? defaultCollectionIntervalMs,
      // What rules let go is collected at once.
      tasks: [retain, collect, recount, expire],
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
