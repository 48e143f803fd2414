/** The first pause after a failure; each further one is twice as long. */
const firstPauseMs = 1000;
const longestPauseMs = 60_000;
const maxDiscredited = 1000;

/** Whether a mirror is worth asking: after failures it is left alone for a while. */
export class MirrorHealth {
  #failures = 0;
  #pausedUntil = 0;
  readonly #discredited = new Set<string>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** @param path what is wanted */
  isWorthAsking(path: string): boolean {
    return this.#now() >= this.#pausedUntil && !this.#discredited.has(path);
  }

  succeeded(): void {
    this.#failures = 0;
    this.#pausedUntil = 0;
  }

  /** @param askedMs how long it asked to be left alone */
  failed(askedMs = 0): void {
    const pause = Math.min(longestPauseMs, firstPauseMs * 2 ** this.#failures);
    this.#failures += 1;
    this.#pausedUntil = this.#now() + Math.max(pause, askedMs);
  }

  /** What it gave was wrong: it is not asked for that again. */
  discredit(path: string): void {
    if (this.#discredited.size >= maxDiscredited) this.#discredited.clear();
    this.#discredited.add(path);
  }
}
