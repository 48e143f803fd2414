import { BackOff } from '@oci/spec-types/retry';
import { LRUCache } from 'lru-cache';

const pauses = { baseDelayMs: 1000, maxDelayMs: 60_000 };

/** Whether a mirror is worth asking: after failures it is left alone for a while. */
export class MirrorHealth {
  readonly #backOff: BackOff;
  readonly #discredited = new LRUCache<string, true>({ max: 1000 });

  constructor(now?: () => number) {
    this.#backOff = new BackOff(pauses, now);
  }

  /** @param path what is wanted */
  isWorthAsking(path: string): boolean {
    return !this.#backOff.isPaused && !this.#discredited.has(path);
  }

  succeeded(): void {
    this.#backOff.succeeded();
  }

  /** @param askedMs how long it asked to be left alone */
  failed(askedMs = 0): void {
    this.#backOff.failed(askedMs);
  }

  /** What it gave was wrong: it is not asked for that again. */
  discredit(path: string): void {
    this.#discredited.set(path, true);
  }
}
