import { abortError, throwIfAborted } from '@oci/spec-types';

/**
 * Places that are taken and given back, first come first served. How many there are adapts: one more
 * after as many successes as there are places, half of them when it is too much (additive increase,
 * multiplicative decrease).
 */
export class SlotQueue {
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #limit: number;
  #taken = 0;

  constructor({ limit, most }: { readonly limit: number; readonly most: number }) {
    this.#limit = Math.min(limit, most);
    this.#most = most;
  }

  /** Places now, a whole number from 1. */
  get limit(): number {
    return Math.max(1, Math.floor(this.#limit));
  }

  /** Waits for a place. @returns gives it back; calling it again does nothing @throws OciError `ABORTED` */
  async acquire(signal?: AbortSignal): Promise<() => void> {
    throwIfAborted(signal);
    if (this.#taken >= this.limit) await this.#turn(signal);
    else this.#taken += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#taken -= 1;
      this.#admit();
    };
  }

  grow(): void {
    this.#limit = Math.min(this.#most, this.#limit + 1 / this.#limit);
    this.#admit();
  }

  halve(): void {
    this.#limit = Math.max(1, this.#limit / 2);
  }

  #turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = (): void => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1);
        if (signal) reject(abortError(signal));
      };
      signal?.addEventListener('abort', leave, { once: true });
      this.#waiting.push(enter);
    });
  }

  #admit(): void {
    while (this.#taken < this.limit) {
      const enter = this.#waiting.shift();
      if (!enter) return;
      this.#taken += 1;
      enter();
    }
  }
}
