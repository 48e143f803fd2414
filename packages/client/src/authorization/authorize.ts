import { OciError } from '@oci/spec-types';

import type { Credential, CredentialSource } from '../credentials/credential.js';
import { resolvesInternally } from '../transport/address-policy.js';
import type { BodyLimits } from '../transport/bounded-body.js';
import {
  type Exchange,
  type RegistryRequest,
  type RegistryResponse,
  canRepeat,
} from '../transport/exchange.js';
import { type Challenge, parseChallenges } from './challenge.js';
import { mayReceiveCredentials, refuseUnsafeRealm } from './realm-policy.js';
import { canonicalScopes } from './scope.js';
import { type Token, basicHeader, fetchToken } from './token.js';

export interface AuthorizationOptions {
  /** The only origin that is ever authorized to. */
  readonly origin: URL;
  /** What the user calls the registry. */
  readonly registry: string;
  readonly credentials: CredentialSource;
  /** Hosts of token servers, elsewhere, that may see the stored credentials. */
  readonly trustedRealms: readonly string[];
  readonly limits: BodyLimits;
}

/**
 * Answers challenges (RFC 9110, section 11): Basic, and Bearer by a token server. What worked is used
 * for the next request at once. A 401 with a fresh token is final.
 */
export function authorize(
  next: Exchange,
  tokenExchange: Exchange,
  options: AuthorizationOptions,
): Exchange {
  const session = new Session(tokenExchange, options);
  return async (request) => {
    if (request.url.origin !== options.origin.origin) return next(request);
    const known = await session.header(request);
    const response = await next(withAuthorization(request, known));
    // A challenge that came from behind a redirect is not the registry's.
    if (response.status !== 401 || response.url.origin !== options.origin.origin) return response;
    const challenges = parseChallenges(challengeLines(response));
    const fresh = await session.answer(challenges, request, known);
    if (fresh === undefined || !canRepeat(request)) return response;
    await response.body.dump();
    return next(withAuthorization(request, fresh));
  };
}

function withAuthorization(request: RegistryRequest, value: string | undefined): RegistryRequest {
  return value === undefined
    ? request
    : { ...request, headers: { ...request.headers, authorization: value } };
}

function challengeLines(response: RegistryResponse): readonly string[] {
  const value = response.headers['www-authenticate'];
  return typeof value === 'string' ? [value] : (value ?? []);
}

/** What a token is wanted for, and who wants it. */
interface TokenAsk {
  readonly challenge: Challenge;
  readonly scopes: readonly string[];
  readonly credential: Exclude<Credential, { kind: 'bearer' }> | undefined;
}

/** What is known of one registry's way to authorize, and the tokens that are still good. */
class Session {
  readonly #exchange: Exchange;
  readonly #options: AuthorizationOptions;
  readonly #tokens = new Map<string, Promise<Token>>();
  #challenge: Challenge | undefined;

  constructor(exchange: Exchange, options: AuthorizationOptions) {
    this.#exchange = exchange;
    this.#options = options;
  }

  /** The header for a request, from what an earlier challenge taught; undefined before the first. */
  async header(request: RegistryRequest): Promise<string | undefined> {
    if (!this.#challenge) return undefined;
    return this.#headerFor(this.#challenge, request, {});
  }

  /**
   * The header that answers a challenge; undefined when there is nothing to answer with. What was
   * `rejected` is not given again, but what another request got meanwhile is.
   */
  async answer(
    challenges: readonly Challenge[],
    request: RegistryRequest,
    rejected: string | undefined,
  ): Promise<string | undefined> {
    const challenge =
      challenges.find(({ scheme, parameters }) => scheme === 'bearer' && parameters['realm']) ??
      challenges.find(({ scheme }) => scheme === 'basic');
    if (!challenge) return undefined;
    this.#challenge = challenge;
    const asked = challenge.parameters['scope'] ?? '';
    return this.#headerFor(challenge, request, { asked, rejected });
  }

  async #headerFor(
    challenge: Challenge,
    request: RegistryRequest,
    { asked = '', rejected }: { asked?: string; rejected?: string | undefined },
  ): Promise<string | undefined> {
    const credential = await this.#options.credentials(this.#options.registry);
    if (credential?.kind === 'bearer') return `Bearer ${credential.token}`;
    if (challenge.scheme === 'basic') {
      return credential?.kind === 'password' ? basicHeader(credential) : undefined;
    }
    const scopes = canonicalScopes([...request.scopes, asked]);
    const token = await this.#token({ challenge, scopes, credential }, rejected);
    return bearerHeader(token);
  }

  /** One request per token, however many wait for it. */
  async #token(ask: TokenAsk, rejected: string | undefined): Promise<Token> {
    const { realm, service } = ask.challenge.parameters;
    const key = JSON.stringify([realm, service, identityOf(ask.credential), ask.scopes]);
    const held = this.#tokens.get(key);
    const token = await held?.catch(() => undefined);
    if (token && token.expiresAt > Date.now() && bearerHeader(token) !== rejected) return token;
    const current = this.#tokens.get(key);
    if (current && current !== held) return current;
    const fetched = this.#fetch(ask);
    this.#tokens.set(key, fetched);
    fetched.catch(() => this.#tokens.delete(key));
    return fetched;
  }

  async #fetch(ask: TokenAsk): Promise<Token> {
    const { origin, registry, trustedRealms, limits } = this.#options;
    const realm = parseRealm(ask.challenge.parameters['realm'] ?? '', registry);
    refuseUnsafeRealm(origin, realm);
    const trusted = mayReceiveCredentials(origin, realm, trustedRealms);
    if (ask.credential && !trusted) {
      throw new OciError(
        'POLICY_REFUSED',
        `${registry} wants your credentials sent to ${realm.host}`,
        {
          hint: `If that is right, trust it: trustedRealms: ['${realm.host}'].`,
        },
      );
    }
    const publicOnly = realm.hostname !== origin.hostname && !(await resolvesInternally(origin));
    const { service } = ask.challenge.parameters;
    return fetchToken(
      this.#exchange,
      { realm, service, scopes: ask.scopes, credential: ask.credential, publicOnly },
      limits,
    );
  }
}

function bearerHeader(token: Token): string {
  return `Bearer ${token.value}`;
}

function identityOf(credential: Credential | undefined): string {
  if (!credential) return 'anonymous';
  return credential.kind === 'password'
    ? `${credential.username}:${credential.password}`
    : credential.token;
}

function parseRealm(text: string, registry: string): URL {
  if (URL.canParse(text)) {
    const realm = new URL(text);
    realm.username = '';
    realm.password = '';
    return realm;
  }
  throw new OciError('PROTOCOL', `${registry} names a token server that is not a URL`);
}
