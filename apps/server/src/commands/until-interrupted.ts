import { OciError } from '@oci/spec-types';

/** Runs work that ends in order at Ctrl-C and SIGTERM; the second of them ends the process at once. */
export async function untilInterrupted<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const interruption = new AbortController();
  const stop = (): void => interruption.abort(new OciError('ABORTED', 'interrupted'));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    return await work(interruption.signal);
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}
