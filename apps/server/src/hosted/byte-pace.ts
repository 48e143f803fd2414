import { setTimeout as sleep } from 'node:timers/promises';

import { throwIfAborted } from '@oci/spec-types';

/** Reads ahead of the rate that are let through, in milliseconds of it. */
const burstMs = 250;

/** Holds reads back, so that all together take no more than a rate. */
export class BytePace {
  readonly #bytesPerSecond: () => number;
  /** When what was let through has taken its time; of `performance.now()`. */
  #dueAt = 0;

  /** @param bytesPerSecond the present rate; 0 for no limit */
  constructor(bytesPerSecond: () => number) {
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** Waits until so many bytes may be read. @throws OciError `ABORTED` */
  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    const rate = this.#bytesPerSecond();
    if (rate <= 0) return;
    const now = performance.now();
    this.#dueAt = Math.max(this.#dueAt, now) + (bytes / rate) * 1000;
    const waitMs = this.#dueAt - now - burstMs;
    if (waitMs <= 0) return;
    await sleep(waitMs, undefined, signal && { signal }).catch(() => throwIfAborted(signal));
  }

  /** Passes bytes on at the rate. */
  async *through(
    body: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of body) {
      await this.take(chunk.byteLength, signal);
      yield chunk;
    }
  }
}
