import { abortError, isAbort } from '@oci/spec-types';

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
 * for the next request at once. A 401 with a fresh token is final, and so is a 400 or 403.
 */
export function authorize(
  next: Exchange,
  tokenExchange: Exchange,
  options: AuthorizationOptions,
): Exchange {
  const session = new AuthorizationSession(tokenExchange, options);
  return async (request) => {
    if (request.url.origin !== options.origin.origin) return next(request);
    const send = async (by: Authorization | undefined): Promise<RegistryResponse> => {
      const response = await next(withAuthorization(request, by));
      // Who is told that something is missing was let in.
      if (by && (response.status < 400 || response.status === 404)) session.accepted(by);
      return {
        ...response,
        authorizedAs: by?.of,
        credentialHint: by?.hint,
        withoutCredential: by?.of === undefined ? session.failure : undefined,
      };
    };
    let sentWith = await whileWanted(session.known(request), request.signal);
    let response = await send(sentWith);
    // A challenge, then a token of an earlier process that died: more is never worth a try.
    for (let round = 0; round < 2; round += 1) {
      // A challenge that came from behind a redirect is not the registry's.
      if (response.url.origin !== options.origin.origin) return response;
      if (round > 0 && response.status === 401) return response;
      const { body } = response;
      const fresh = await whileWanted(
        replacement(session, { request, response, known: sentWith }),
        request.signal,
      ).catch((error: unknown) => {
        body.destroy();
        throw error;
      });
      if (fresh === undefined || !canRepeat(request)) return response;
      await body.dump();
      sentWith = fresh;
      response = await send(sentWith);
    }
    return response;
  };
}

/** What the request is authorized with once more; undefined when its answer is the last. */
async function replacement(
  session: AuthorizationSession,
  sent: {
    readonly request: RegistryRequest;
    readonly response: RegistryResponse;
    readonly known: Authorization | undefined;
  },
): Promise<Authorization | undefined> {
  const { request, response, known } = sent;
  const { status } = response;
  const challenges = parseChallenges(challengeLines(response));
  if (status === 401) return session.answer(challenges, request, known);
  // What is sent may be what the registry finds bad; of a question it can only be the token.
  const mayBeDead = status === 403 || (status === 400 && request.body === undefined);
  if (!known || !mayBeDead) return undefined;
  return session.renew(challenges, request, known).catch((error: unknown) => {
    // The registry's own answer says more than that of a token server that was asked in vain.
    if (isAbort(error)) throw error;
    return undefined;
  });
}

/** A token is fetched for all who wait for it, so an abort ends the waiting and not the fetching. */
function whileWanted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(abortError(signal));
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
