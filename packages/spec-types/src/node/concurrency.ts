import { setMaxListeners } from 'node:events';

import { throwIfAborted } from '../index.js';

/**
 * Runs `work` for every item, in their order, at most `limit` at a time. After a failure nothing new begins,
 * those that run are aborted and waited for: nothing goes on behind the call.
 *
 * @throws the first failure; OciError `ABORTED` when the signal fires
 */
export async function forEachConcurrent<T>(
  items: Iterable<T> | AsyncIterable<T>,
  work: (item: T, signal: AbortSignal) => Promise<void>,
  options: { readonly limit: number; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const failure = new AbortController();
  const signal = options.signal
    ? AbortSignal.any([options.signal, failure.signal])
    : failure.signal;
  // As many listen as run at once, and all end with this call.
  setMaxListeners(0, signal);
  const queue =
    Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  const lane = async (): Promise<void> => {
    for (let next = await queue.next(); !next.done && !signal.aborted; next = await queue.next()) {
      await work(next.value, signal).catch((error: unknown) => {
        failure.abort(error);
        throw error;
      });
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: options.limit }, lane));
  await queue.return?.();
  throwIfAborted(options.signal);
  if (failure.signal.aborted) throw failure.signal.reason;
  for (const result of lanes) if (result.status === 'rejected') throw result.reason;
}
