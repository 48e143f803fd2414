import { throwIfAborted } from '@oci/spec-types';

import { eitherSignal } from '../either-signal.js';

/**
 * Does some work for each item, in their order, at most so many at once. After a failure nothing more is
 * begun, what runs is told to stop, and the call ends when all has: nothing goes on behind it.
 *
 * @throws the first failure
 */
export async function forEach<T>(
  items: Iterable<T>,
  { most, signal }: { readonly most: number; readonly signal?: AbortSignal | undefined },
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  throwIfAborted(signal);
  const stop = new AbortController();
  const both = eitherSignal(signal, stop.signal);
  const iterator = items[Symbol.iterator]();
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (let next = iterator.next(); next.done !== true; next = iterator.next()) {
      if (both.aborted) return;
      try {
        await work(next.value, both);
      } catch (error) {
        failures.push(error);
        stop.abort();
      }
    }
  };
  await Promise.all(Array.from({ length: most }, worker));
  throwIfAborted(signal);
  if (failures.length > 0) throw failures[0];
}
