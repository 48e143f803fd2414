import type { HostedRegistry } from './hosted-registry.js';

/** How often abandoned uploads are looked for, and how long one may rest, in milliseconds. */
const uploads = { sweepEveryMs: 60 * 60_000, olderThanMs: 24 * 60 * 60_000 };

/**
 * Removes what nobody needs any more: now what an end in the middle of a deletion left, and again and again
 * uploads that were abandoned.
 *
 * @returns a function that ends it
 */
export function startUpkeep(
  hosted: HostedRegistry,
  onFailure: (error: unknown) => void,
): () => void {
  const ending = new AbortController();
  const { signal } = ending;
  const { sweepEveryMs, olderThanMs } = uploads;
  const sweep = (): void => void hosted.expireUploads({ olderThanMs }).catch(onFailure);
  sweep();
  hosted.removeUnreferenced({ signal }).catch((error: unknown) => {
    if (!signal.aborted) onFailure(error);
  });
  const timer = setInterval(sweep, sweepEveryMs).unref();
  return () => {
    ending.abort();
    clearInterval(timer);
  };
}
