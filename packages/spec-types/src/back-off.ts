import { type RetryRule, pauseBound } from './retry-rule.js';

/** Leaves a host alone after it failed: for a pause that doubles with each failure in a row. */
export class BackOff {
  readonly #bounds: Pick<RetryRule, 'baseDelayMs' | 'maxDelayMs'>;
  readonly #now: () => number;
  #failures = 0;
  #until = 0;

  /** @param now the clock, in milliseconds */
  constructor(
    bounds: Pick<RetryRule, 'baseDelayMs' | 'maxDelayMs'>,
    now: () => number = () => Date.now(),
  ) {
    this.#bounds = bounds;
    this.#now = now;
  }

  /** Whether the host is left alone at present. */
  get isPaused(): boolean {
    return this.#now() < this.#until;
  }

  /** @param retryAfterMs milliseconds that the host asked to be left alone for */
  failed(retryAfterMs = 0): void {
    this.#failures += 1;
    const pauseMs = pauseBound(this.#bounds, this.#failures);
    this.#until = this.#now() + Math.max(pauseMs, retryAfterMs);
  }

  succeeded(): void {
    this.#failures = 0;
    this.#until = 0;
  }
}
