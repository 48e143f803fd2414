import { type OciError, amendError, asOciError, isAbort } from '@oci/spec-types';
import { parseRetryAfter } from '@oci/spec-types/registry-api';
import { type Failure, Retries, isTransientStatus } from '@oci/spec-types/retry';

import {
  type Exchange,
  type RegistryRequest,
  type RegistryResponse,
  canRepeat,
  header,
} from './exchange.js';
import { type RetryPolicy, pauseBeforeRetry, waitTooLong } from './retry-policy.js';

/**
 * Sends a request again after a network failure or a transient status, as the retry rule decides; where
 * the registry asks for a time by `Retry-After`, the pace of its host keeps it. A body that is a stream is
 * not repeated, nor a POST, unless the registry says that it did nothing.
 */
export function retry(next: Exchange, policy: RetryPolicy): Exchange {
  return async (request) => {
    const retries = new Retries(policy);
    for (let attempts = 1; ; attempts += 1) {
      const outcome = await settle(next, request);
      const failure = failureOf(request, outcome);
      const verdict = retries.next(failure);
      const isTooLong = !verdict.again && verdict.why === 'wait-too-long';
      if (!verdict.again && !(isTooLong && 'response' in outcome))
        return conclude(outcome, attempts);
      if ('response' in outcome) await outcome.response.body.dump();
      const { host, reason } = describe(request, outcome);
      if (!verdict.again) throw waitTooLong(host, failure.retryAfterMs ?? 0);
      if (verdict.isAsked) continue;
      const { delayMs } = verdict;
      await pauseBeforeRetry(policy, request, { host, attempt: retries.failures, delayMs, reason });
    }
  };
}

type Outcome = { readonly response: RegistryResponse } | { readonly error: OciError };

async function settle(next: Exchange, request: RegistryRequest): Promise<Outcome> {
  try {
    return { response: await next(request) };
  } catch (error) {
    return { error: asOciError(error) };
  }
}

function failureOf(request: RegistryRequest, outcome: Outcome): Failure {
  if ('error' in outcome) {
    const { retryable, code, request: failed } = outcome.error;
    // A host that is rate limited has been waited for already, or asks for longer than is allowed; and a
    // request below this one, as for a token, has had all of its attempts.
    const isSpent = code === 'RATE_LIMITED' || (failed?.attempts ?? 1) > 1;
    return {
      retryable: retryable && !isSpent && canRepeat(request) && request.method !== 'POST',
    };
  }
  const { status } = outcome.response;
  const retryAfterMs = parseRetryAfter(header(outcome.response, 'retry-after'));
  const didNothing = status === 429 || (status === 503 && retryAfterMs !== undefined);
  const maySend = canRepeat(request) && (request.method !== 'POST' || didNothing);
  return { retryable: isTransientStatus(status) && maySend, retryAfterMs };
}

function describe(request: RegistryRequest, outcome: Outcome): { host: string; reason: string } {
  if ('error' in outcome) return { host: request.url.host, reason: outcome.error.message };
  const { status, url } = outcome.response;
  return { host: url.host, reason: `${url.host} answered ${status}` };
}

function conclude(outcome: Outcome, attempts: number): RegistryResponse {
  if ('response' in outcome) return { ...outcome.response, attempts };
  const { error } = outcome;
  // An end by the caller, or by a listener of theirs, is no failed attempt.
  if (attempts === 1 || error.code === 'USAGE' || isAbort(error)) throw error;
  throw amendError(error, {
    message: `${error.message} (${attempts} attempts)`,
    cause: error,
    request: error.request && { ...error.request, attempts },
  });
}
