import { OciError } from '@oci/spec-types';

/**
 * Runs one piece of work on a key at a time, in the order in which it was asked for. The locks are of
 * this process: a data directory has one that writes.
 */
export class KeyLocks {
  readonly #tails = new Map<string, Promise<void>>();

  /**
   * Runs work when all work on its key that was asked for before has ended.
   *
   * @param patienceMs how long to wait for it; without end by default
   * @throws OciError `TIMEOUT`, and the work was not begun
   */
  async hold<T>(key: string, work: () => Promise<T>, patienceMs?: number): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const tail = before.then(() => held);
    this.#tails.set(key, tail);
    void tail.then(() => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    });
    try {
      await (patienceMs === undefined ? before : within(patienceMs, before));
      return await work();
    } finally {
      release();
    }
  }

  /** Runs work that holds several keys, which it takes in their order. */
  holdAll<T>([key, ...others]: readonly string[], work: () => Promise<T>): Promise<T> {
    return key === undefined ? work() : this.hold(key, () => this.holdAll(others, work));
  }
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new OciError('TIMEOUT', 'other work has not ended in time', { retryable: true }));
    }, ms);
  });
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}
