import { asOciError } from '@oci/spec-types';

import {
  type Exchange,
  type RegistryRequest,
  type RegistryResponse,
  canRepeat,
} from '../transport/exchange.js';
import { parseChallenges } from './challenge.js';
import { type Authorization, type AuthorizationOptions, AuthorizationSession } from './session.js';

/**
 * Answers challenges (RFC 9110, section 11): Basic, and Bearer by a token server. What worked is used
 * for the next request at once. A 401 with a fresh token is final.
 */
export function authorize(
  next: Exchange,
  tokenExchange: Exchange,
  options: AuthorizationOptions,
): Exchange {
  const session = new AuthorizationSession(tokenExchange, options);
  return async (request) => {
    if (request.url.origin !== options.origin.origin) return next(request);
    const known = await whileWanted(session.known(request), request.signal);
    const response = await next(withAuthorization(request, known));
    // A challenge that came from behind a redirect is not the registry's.
    if (response.status !== 401 || response.url.origin !== options.origin.origin)
      return { ...response, authorizedAs: known?.of };
    const challenges = parseChallenges(challengeLines(response));
    const fresh = await whileWanted(
      session.answer(challenges, request, known),
      request.signal,
    ).catch((error: unknown) => {
      response.body.destroy();
      throw error;
    });
    if (fresh === undefined || !canRepeat(request)) return { ...response, authorizedAs: known?.of };
    await response.body.dump();
    return { ...(await next(withAuthorization(request, fresh))), authorizedAs: fresh.of };
  };
}

/** A token is fetched for all who wait for it, so an abort ends the waiting and not the fetching. */
function whileWanted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(asOciError(signal.reason));
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave, { once: true });
    const stay = (): void => signal.removeEventListener('abort', leave);
    work.finally(stay).then(resolve, reject);
  });
}

function withAuthorization(
  request: RegistryRequest,
  authorization: Authorization | undefined,
): RegistryRequest {
  if (!authorization) return request;
  return { ...request, headers: { ...request.headers, authorization: authorization.header } };
}

function challengeLines(response: RegistryResponse): readonly string[] {
  const value = response.headers['www-authenticate'];
  return typeof value === 'string' ? [value] : (value ?? []);
}
