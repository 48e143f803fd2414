import type { HostedRegistry } from './hosted-registry.js';

/** How often abandoned uploads are looked for, and how long one may rest, in milliseconds. */
const uploads = { everyMs: 60 * 60_000, olderThanMs: 24 * 60 * 60_000 };
/** How often content is looked for that nothing refers to, in milliseconds. */
const contentEveryMs = 24 * 60 * 60_000;

/**
 * Removes what nobody needs any more, again and again; nothing at once, so that a start reads no lists.
 *
 * @returns a function that ends it
 */
export function startUpkeep(
  hosted: HostedRegistry,
  onFailure: (error: unknown) => void,
): () => void {
  const ending = new AbortController();
  const { signal } = ending;
  const repeat = (everyMs: number, work: () => Promise<unknown>): NodeJS.Timeout =>
    setInterval(() => {
      work().catch((error: unknown) => {
        if (!signal.aborted) onFailure(error);
      });
    }, everyMs).unref();
  const { everyMs, olderThanMs } = uploads;
  const timers = [
    repeat(everyMs, () => hosted.expireUploads({ olderThanMs })),
    repeat(contentEveryMs, () => hosted.removeUnreferenced({ signal })),
  ];
  return () => {
    ending.abort();
    for (const timer of timers) clearInterval(timer);
  };
}
