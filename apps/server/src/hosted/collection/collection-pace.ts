import { setTimeout as sleep } from 'node:timers/promises';

import { throwIfAborted } from '@oci/spec-types';

/** Milliseconds that are not worth a timer. */
const leastWaitMs = 10;

/** Lets work go on no faster than at a rate, so that clients do not notice it. */
export class CollectionPace {
  readonly #everyMs: number;
  #dueAt = 0;

  /** @param perSecond objects a second; 0 for no limit */
  constructor(perSecond: number) {
    this.#everyMs = perSecond === 0 ? 0 : 1000 / perSecond;
  }

  /** The items at the rate. @throws OciError `ABORTED` */
  async *of<T>(
    items: AsyncIterable<T>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<T, void, undefined> {
    for await (const item of items) {
      await this.#take(signal);
      yield item;
    }
  }

  async #take(signal: AbortSignal | undefined): Promise<void> {
    throwIfAborted(signal);
    if (this.#everyMs === 0) return;
    const now = performance.now();
    this.#dueAt = Math.max(this.#dueAt, now) + this.#everyMs;
    if (this.#dueAt - now < leastWaitMs) return;
    await sleep(this.#dueAt - now, undefined, { signal }).catch(() => throwIfAborted(signal));
  }
}
