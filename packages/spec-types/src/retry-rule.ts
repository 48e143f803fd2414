/** When failed work is tried again: counts, and milliseconds. */
export interface RetryRule {
  /** Attempts in all, the first included, without those that a host put off by `Retry-After`. Default 5. */
  readonly attempts: number;
  /** The first pause is random up to this; each further one up to twice as much. Default 200 ms. */
  readonly baseDelayMs: number;
  /** Upper bound of every pause that no host asked for. Default 30 s. */
  readonly maxDelayMs: number;
  /** A `Retry-After` beyond this fails at once. Default 60 s. */
  readonly maxWaitMs: number;
  /** Returns a number from 0 up to 1. Default `Math.random`. */
  readonly random: () => number;
}

export const defaultRetryRule: RetryRule = {
  attempts: 5,
  baseDelayMs: 200,
  maxDelayMs: 30_000,
  maxWaitMs: 60_000,
  random: Math.random,
};

/** Members of a failure that decide whether the work is tried again. */
export interface Failure {
  readonly retryable: boolean;
  /** Milliseconds that the host asked to be left alone for. */
  readonly retryAfterMs?: number | undefined;
}

export type NextAttempt =
  /** `isAsked`: the host named the delay, and nobody may ask it anything before. */
  | { readonly again: true; readonly delayMs: number; readonly isAsked: boolean }
  | { readonly again: false; readonly why: 'final' | 'spent' | 'wait-too-long' };

/** A host that names a time has not failed; it may put one piece of work off this often. */
const mostWaits = 20;

/** Decides after each failure of one piece of work whether it is tried again, and when. */
export class Retries {
  readonly #rule: RetryRule;
  #failures = 0;
  #waits = 0;

  constructor(rule: RetryRule) {
    this.#rule = rule;
  }

  /** Failures that were counted since the work last advanced. */
  get failures(): number {
    return this.#failures;
  }

  /** Counts a failure and decides what follows it. */
  next({ retryable, retryAfterMs = 0 }: Failure): NextAttempt {
    if (!retryable) return { again: false, why: 'final' };
    const isAsked = retryAfterMs > 0;
    if (isAsked) this.#waits += 1;
    else this.#failures += 1;
    if (this.#waits > mostWaits || this.#failures >= this.#rule.attempts)
      return { again: false, why: 'spent' };
    if (!mayWait(this.#rule, retryAfterMs)) return { again: false, why: 'wait-too-long' };
    const pause = (): number => pauseBound(this.#rule, this.#failures) * this.#rule.random();
    return { again: true, isAsked, delayMs: isAsked ? retryAfterMs : Math.round(pause()) };
  }

  /** Begins to count anew: the attempt that failed had brought the work forward. */
  advanced(): void {
    this.#failures = 0;
    this.#waits = 0;
  }
}

/** Reports whether a wait that a host asked for is one that is kept. */
export function mayWait(
  { maxWaitMs }: Pick<RetryRule, 'maxWaitMs'>,
  retryAfterMs: number,
): boolean {
  return retryAfterMs <= maxWaitMs;
}

/** Returns the longest pause after so many failures (1 and more), in milliseconds: it doubles with each. */
export function pauseBound(
  { baseDelayMs, maxDelayMs }: Pick<RetryRule, 'baseDelayMs' | 'maxDelayMs'>,
  failures: number,
): number {
  return Math.min(maxDelayMs, baseDelayMs * 2 ** (failures - 1));
}

/** 520 to 524 are Cloudflare's for an origin that does not answer. */
const transientStatus = new Set([408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524]);

/** Reports whether the same request may get another answer than this HTTP status later. */
export function isTransientStatus(status: number): boolean {
  return transientStatus.has(status);
}
