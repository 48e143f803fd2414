import { setTimeout as sleep } from 'node:timers/promises';

import { OciError, asOciError } from '@oci/spec-types';

import {
  type Exchange,
  type RegistryRequest,
  type RegistryResponse,
  canRepeat,
  header,
} from './exchange.js';
import { parseRetryAfter, waitTooLong } from './retry-after.js';

/** When a request is sent again. */
export interface RetryPolicy {
  /** In all, the first included, without those that a host put off by `Retry-After`. Default 5. */
  readonly attempts: number;
  /** The first pause is random up to this; each further one up to twice as much. Default 200 ms. */
  readonly baseDelayMs: number;
  /** No pause of ours is longer. Default 30 s. */
  readonly maxDelayMs: number;
  /** A `Retry-After` beyond this fails at once. Default 60 s. */
  readonly maxWaitMs: number;
  /** Waits; tests give one that doesn't. */
  readonly delay: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
  /** 0 up to 1. */
  readonly random: () => number;
}

export const defaultRetryPolicy: RetryPolicy = {
  attempts: 5,
  baseDelayMs: 200,
  maxDelayMs: 30_000,
  maxWaitMs: 60_000,
  delay: async (milliseconds, signal) =>
    sleep(milliseconds, undefined, signal ? { signal: AbortSignal.any([signal]) } : {}),
  random: Math.random,
};

/** A host that says when to come back has not failed: coming back so often is no attempt. */
const mostWaits = 20;

const transientStatus = new Set([408, 425, 429, 500, 502, 503, 504]);

/**
 * Sends a request again after a network failure or a status that may pass, with exponential backoff
 * and full jitter; where the registry asks for a time by `Retry-After`, the pace of its host keeps it. A
 * body that is a stream is not repeated, nor a POST, unless the registry says that it did nothing.
 */
export function retry(next: Exchange, policy: RetryPolicy): Exchange {
  return async (request) => {
    for (let attempt = 1, waits = 0; ; attempt += 1) {
      const outcome = await settle(next, request);
      const isAgain = isTransient(outcome) && mayRepeat(request, outcome);
      const isAsked = (askedDelay(outcome) ?? 0) > 0;
      const isSpent = isAsked ? waits >= mostWaits : attempt - waits >= policy.attempts;
      if (!isAgain || isSpent) return conclude(outcome, attempt);
      if (isAsked) waits += 1;
      await pause(outcome, { request, policy, attempt: attempt - waits });
    }
  };
}

/** The pause before attempt `attempt + 1`, in milliseconds: full jitter below a doubling bound. */
export function backoff(policy: RetryPolicy, attempt: number): number {
  const bound = Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** (attempt - 1));
  return Math.round(bound * policy.random());
}

/** Waits behind attempt `attempt`, 1 the first, and tells so. @throws OciError `ABORTED` */
export async function pauseBeforeRetry(
  policy: RetryPolicy,
  why: Pick<RegistryRequest, 'onEvent' | 'signal'> & {
    readonly attempt: number;
    readonly reason: string;
    readonly host?: string | undefined;
  },
): Promise<void> {
  const { attempt, reason, host, onEvent, signal } = why;
  const delayMs = backoff(policy, attempt);
  onEvent?.({ type: 'retry', ...(host && { host }), attempt: attempt + 1, delayMs, reason });
  await policy.delay(delayMs, signal).catch((error: unknown) => {
    throw asOciError(error);
  });
}

type Outcome = { readonly response: RegistryResponse } | { readonly error: OciError };

async function settle(next: Exchange, request: RegistryRequest): Promise<Outcome> {
  try {
    return { response: await next(request) };
  } catch (error) {
    return { error: asOciError(error) };
  }
}

function isTransient(outcome: Outcome): boolean {
  if ('response' in outcome) return transientStatus.has(outcome.response.status);
  // A host that wants to be left alone for longer than is allowed is not asked again.
  return outcome.error.retryable && outcome.error.code !== 'RATE_LIMITED';
}

function mayRepeat(request: RegistryRequest, outcome: Outcome): boolean {
  if (!canRepeat(request)) return false;
  if (request.method !== 'POST') return true;
  if ('error' in outcome) return false;
  const { status } = outcome.response;
  return status === 429 || (status === 503 && askedDelay(outcome) !== undefined);
}

/** What `Retry-After` asks for, in milliseconds. */
function askedDelay(outcome: Outcome): number | undefined {
  if ('error' in outcome) return undefined;
  return parseRetryAfter(header(outcome.response, 'retry-after'));
}

function conclude(outcome: Outcome, attempts: number): RegistryResponse {
  if ('response' in outcome) return { ...outcome.response, attempts };
  const { error } = outcome;
  if (attempts === 1) throw error;
  throw new OciError(error.code, `${error.message} (${attempts} attempts)`, {
    hint: error.hint,
    cause: error,
    retryable: error.retryable,
    request: error.request && { ...error.request, attempts },
  });
}

async function pause(
  outcome: Outcome,
  { request, policy, attempt }: { request: RegistryRequest; policy: RetryPolicy; attempt: number },
): Promise<void> {
  const { host } = 'response' in outcome ? outcome.response.url : request.url;
  const reason =
    'error' in outcome ? outcome.error.message : `${host} answered ${outcome.response.status}`;
  if ('response' in outcome) await outcome.response.body.dump();
  const asked = askedDelay(outcome) ?? 0;
  if (asked > policy.maxWaitMs) throw waitTooLong(host, asked);
  if (asked > 0) return;
  await pauseBeforeRetry(policy, { ...request, host, attempt, reason });
}
