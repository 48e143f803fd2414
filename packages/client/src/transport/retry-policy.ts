import { setTimeout as sleep } from 'node:timers/promises';

import { OciError, asOciError } from '@oci/spec-types';
import { Retries, type RetryRule, defaultRetryRule } from '@oci/spec-types/retry';

import type { RegistryRequest } from './exchange.js';

/** The retry rule of a registry, and how it waits. */
export interface RetryPolicy extends RetryRule {
  /** Waits; tests give one that doesn't. */
  readonly delay: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
}

export const defaultRetryPolicy: RetryPolicy = {
  ...defaultRetryRule,
  delay: async (milliseconds, signal) =>
    sleep(milliseconds, undefined, signal ? { signal: AbortSignal.any([signal]) } : {}),
};

/** Parts of a failure that its `retry` event tells. */
interface Told {
  readonly host?: string | undefined;
  /** Default: the failure's message. */
  readonly reason?: string | undefined;
  /** The caller can mend what is not `retryable`: it counts, and is followed by no pause. */
  readonly mayPass?: boolean | undefined;
}

/** The attempts of one call to a registry. */
export class Attempts {
  readonly #retries: Retries;
  readonly #policy: RetryPolicy;
  readonly #call: Pick<RegistryRequest, 'onEvent' | 'signal'>;

  constructor(policy: RetryPolicy, call: Pick<RegistryRequest, 'onEvent' | 'signal'>) {
    this.#retries = new Retries(policy);
    this.#policy = policy;
    this.#call = call;
  }

  /** Failures since the last progress. */
  get failures(): number {
    return this.#retries.failures;
  }

  /** Notes progress: the attempts begin anew. */
  advanced(): void {
    this.#retries.advanced();
  }

  /** Waits for the next attempt. @throws OciError the failure itself when it is the last, `ABORTED` */
  async again(failure: OciError, { host, reason, mayPass = false }: Told = {}): Promise<void> {
    const { retryable, retryAfterMs, message } = failure;
    const next = this.#retries.next({ retryable: retryable || mayPass, retryAfterMs });
    if (!next.again) throw failure;
    // Waits that a host asked for are kept by its pace, for all requests; and no pause mends what was out of place.
    if (next.isAsked || !retryable) return;
    const { delayMs } = next;
    const attempt = this.#retries.failures;
    await pauseBeforeRetry(this.#policy, this.#call, {
      host,
      attempt,
      delayMs,
      reason: reason ?? message,
    });
  }
}

/** The failure of a host that asks to be left alone for longer than is allowed. */
export function waitTooLong(host: string, delayMs: number): OciError {
  return new OciError('RATE_LIMITED', `${host} asks to wait ${Math.ceil(delayMs / 1000)} s`, {
    retryAfterMs: delayMs,
    retryable: true,
    hint: 'Try again after that time.',
  });
}

/** Waits after attempt `attempt`, 1 the first, and tells so. @throws OciError `ABORTED` */
export async function pauseBeforeRetry(
  { delay }: Pick<RetryPolicy, 'delay'>,
  { onEvent, signal }: Pick<RegistryRequest, 'onEvent' | 'signal'>,
  why: {
    readonly host: string | undefined;
    readonly attempt: number;
    readonly delayMs: number;
    readonly reason: string;
  },
): Promise<void> {
  const { host, attempt, delayMs, reason } = why;
  onEvent?.({ type: 'retry', ...(host && { host }), attempt: attempt + 1, delayMs, reason });
  await delay(delayMs, signal).catch((error: unknown) => {
    throw asOciError(error);
  });
}
