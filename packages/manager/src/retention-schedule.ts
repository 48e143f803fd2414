import type { Cache, PruneReport, RetentionPolicy } from '@oci/cache';
import { isOciError } from '@oci/spec-types';

export interface RetentionOptions {
  readonly policy: RetentionPolicy;
  /** Milliseconds between prunings of a program that stays; 0 for one at the start only. Default 0. */
  readonly everyMs?: number | undefined;
  readonly onReport?: ((report: PruneReport) => void) | undefined;
  /** Hears of a pruning that failed; the next comes all the same. */
  readonly onFailure?: ((error: unknown) => void) | undefined;
}

/** Milliseconds: a program that begins leaves a cache alone that was pruned, by any program, this recently. */
const recentMs = 60 * 60_000;

/** Prunes a cache when it is first used, beside the work, and then every so often. */
export class RetentionSchedule {
  readonly #options: RetentionOptions | undefined;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RetentionOptions | undefined) {
    const rules = Object.values(options?.policy ?? {});
    this.#options = rules.some((rule) => rule !== undefined) ? options : undefined;
  }

  /** Begins, unless it has begun or has no rule to go by. */
  begin(cache: Cache): void {
    if (!this.#options || this.#running || this.#stop.signal.aborted) return;
    const options = this.#options;
    this.#prune(cache, options, async () => !(await isRecent(cache)));
    const { everyMs = 0 } = options;
    if (everyMs === 0) return;
    this.#timer = setInterval(() => this.#prune(cache, options), everyMs);
    // A program that has nothing else to do may end.
    this.#timer.unref();
  }

  /** Ends; what runs is given up after what it has in hand. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    this.#stop.abort();
    await this.#running;
  }

  #prune(
    cache: Cache,
    { policy, onReport, onFailure }: RetentionOptions,
    isDue = async (): Promise<boolean> => true,
  ): void {
    const before = this.#running ?? Promise.resolve();
    const run = async (): Promise<void> => {
      if (await isDue()) onReport?.(await cache.prune(policy, { signal: this.#stop.signal }));
    };
    this.#running = before.then(run).catch((error: unknown) => {
      if (!isOciError(error, 'ABORTED')) onFailure?.(error);
    });
  }
}

async function isRecent(cache: Cache): Promise<boolean> {
  const prunedAt = await cache.prunedAt();
  return prunedAt !== undefined && Math.abs(Date.now() - prunedAt) < recentMs;
}
