import { OciError, isOciError, amendError } from '@oci/spec-types';
import { LRUCache } from 'lru-cache';

import type {
  Credential,
  CredentialSource,
  HelperFailurePolicy,
} from '../credentials/credential.js';
import { resolvesInternally } from '../transport/address-policy.js';
import type { BodyLimits } from '../transport/bounded-body.js';
import type { Exchange, RegistryRequest } from '../transport/exchange.js';
import { withCause } from '../transport/response-failure.js';
import type { Challenge } from './challenge.js';
import { mayReceiveCredentials, refuseUnsafeRealm, howToTrust } from './realm-policy.js';
import { canonicalScopes, freeScopes } from './scope.js';
import { SessionCredentials } from './session-credentials.js';
import { type Token, basicHeader, fetchToken } from './token.js';
import { TokenCache } from './token-cache.js';
import type { TokenStore } from './token-file.js';

export interface AuthorizationOptions {
  /** The only origin that is ever authorized to. */
  readonly origin: URL;
  /** What the user calls the registry. */
  readonly registry: string;
  readonly credentials: CredentialSource;
  readonly onHelperFailure?: HelperFailurePolicy | undefined;
  /** Hosts of token servers, elsewhere, that may see the stored credentials. */
  readonly trustedRealms: readonly string[];
  readonly limits: BodyLimits;
  /** Tokens of earlier processes. */
  readonly tokenStore?: TokenStore | undefined;
}

/** What a request is authorized with. */
export interface Authorization {
  /** The `Authorization` header. */
  readonly header: string;
  /** Whose it is, in words and without the secret; undefined of nobody. */
  readonly of: string | undefined;
  /** What to check when it is refused; undefined to log in again. */
  readonly hint?: string | undefined;
  /** Whether it is a token that was kept, which may have died since. */
  readonly isKept: boolean;
}

/** What a token is wanted for, and who wants it. */
interface TokenAsk {
  readonly challenge: Challenge;
  readonly scopes: readonly string[];
  readonly credential: Exclude<Credential, { kind: 'bearer' }> | undefined;
}

/** What is known of one registry's way to authorize, and the tokens that are still good. */
export class AuthorizationSession {
  readonly #exchange: Exchange;
  readonly #options: AuthorizationOptions;
  readonly #credentials: SessionCredentials;
  readonly #tokens: TokenCache;
  /** Headers of tokens that replaced one which was answered with 400 or 403, and were not yet accepted. */
  readonly #unproven = new LRUCache<string, true>({ max: 1000 });
  #challenge: Challenge | undefined;

  constructor(exchange: Exchange, options: AuthorizationOptions) {
    this.#exchange = exchange;
    this.#options = options;
    this.#credentials = new SessionCredentials(options);
    this.#tokens = new TokenCache(options.tokenStore);
  }

  /** For a request, from what an earlier challenge taught; undefined before the first. */
  async known(request: RegistryRequest): Promise<Authorization | undefined> {
    return this.#challenge && this.#again(this.#challenge, request);
  }

  /**
   * What answers a challenge; undefined when there is nothing to answer with. What was `rejected` is
   * not given again, but what another request got meanwhile is.
   */
  async answer(
    challenges: readonly Challenge[],
    request: RegistryRequest,
    rejected: Authorization | undefined,
  ): Promise<Authorization | undefined> {
    const challenge =
      challenges.find(({ scheme, parameters }) => scheme === 'bearer' && parameters['realm']) ??
      challenges.find(({ scheme }) => scheme === 'basic');
    if (!challenge) return undefined;
    this.#challenge = challenge;
    const asked = challenge.parameters['scope'] ?? '';
    return this.#authorize(challenge, request, { asked, rejected: rejected?.header });
  }

  /** Why requests go without a credential although one is configured. */
  get failure(): OciError | undefined {
    return this.#credentials.failure;
  }

  /** The registry took what a request was authorized with. */
  accepted({ header }: Authorization): void {
    this.#unproven.delete(header);
  }

  /**
   * What replaces a kept token that was answered with 400 or 403: Amazon ECR gives these for a token that
   * died (aws/containers-roadmap#2835). Undefined when another one would be answered in the same way.
   */
  async renew(
    challenges: readonly Challenge[],
    request: RegistryRequest,
    dead: Authorization,
  ): Promise<Authorization | undefined> {
    if (!this.#challenge || !dead.isKept || this.#unproven.has(dead.header)) return undefined;
    const fresh =
      (await this.answer(challenges, request, dead)) ??
      (await this.#again(this.#challenge, request, dead.header));
    if (!fresh || fresh.header === dead.header) return undefined;
    this.#unproven.set(fresh.header, true);
    return fresh;
  }

  /** As an earlier challenge asked: its scopes of no resource are of every request. */
  #again(
    challenge: Challenge,
    request: RegistryRequest,
    rejected?: string,
  ): Promise<Authorization | undefined> {
    const asked = freeScopes(challenge.parameters['scope'] ?? '');
    return this.#authorize(challenge, request, { asked, rejected });
  }

  async #authorize(
    challenge: Challenge,
    request: RegistryRequest,
    { asked = '', rejected }: { asked?: string; rejected?: string | undefined },
  ): Promise<Authorization | undefined> {
    const credential = await this.#credentials.get(request, false);
    const told = toldOf(credential);
    if (credential?.kind === 'bearer')
      return { header: `Bearer ${credential.token}`, ...told, isKept: false };
    if (challenge.scheme === 'basic') return this.#basic(credential, request, rejected);
    const scopes = canonicalScopes([...request.scopes, asked]);
    try {
      return { ...(await this.#token({ challenge, scopes, credential }, rejected)), ...told };
    } catch (error) {
      if (!isOciError(error, 'UNAUTHORIZED')) throw error;
      if (!credential) throw this.failure ? withCause(error, this.failure) : error;
      // A helper's answer that was remembered may be out of date.
      const fresh = await this.#credentials.get(request, true);
      if (fresh?.kind === 'bearer' || identityOf(fresh) === identityOf(credential))
        throw refused(error, told);
      return { ...(await this.#token({ challenge, scopes, credential: fresh })), ...toldOf(fresh) };
    }
  }

  async #basic(
    credential: Credential | undefined,
    request: RegistryRequest,
    rejected: string | undefined,
  ): Promise<Authorization | undefined> {
    const given = basicOf(credential);
    if (given === undefined || given.header !== rejected) return given;
    return basicOf(await this.#credentials.get(request, true));
  }

  async #token(
    ask: TokenAsk,
    rejected?: string,
  ): Promise<Pick<Authorization, 'header' | 'isKept'>> {
    const { realm, service } = ask.challenge.parameters;
    const { origin } = this.#options;
    const purpose = JSON.stringify([origin.origin, realm, service, ask.scopes]);
    const key = { purpose, identity: identityOf(ask.credential) };
    let isKept = true;
    const token = await this.#tokens.get(key, {
      fetch: () => {
        isKept = false;
        return this.#fetch(ask);
      },
      isRejected: (known) => bearerHeader(known) === rejected,
    });
    return { header: bearerHeader(token), isKept };
  }

  async #fetch(ask: TokenAsk): Promise<Token> {
    const { origin, registry, trustedRealms, limits } = this.#options;
    const realm = parseRealm(ask.challenge.parameters['realm'] ?? '', registry);
    const isTrusted = trustedRealms.includes(realm.host);
    const isOwn = realm.hostname === origin.hostname;
    const mayBeInternal = isOwn || isTrusted || (await resolvesInternally(origin));
    refuseUnsafeRealm(origin, realm, mayBeInternal);
    const trusted = await mayReceiveCredentials(origin, realm, trustedRealms);
    if (ask.credential && !trusted) {
      throw new OciError(
        'POLICY_REFUSED',
        `${registry} wants your credentials sent to ${realm.host}`,
        howToTrust(registry, realm),
      );
    }
    const { service } = ask.challenge.parameters;
    return fetchToken(
      this.#exchange,
      {
        realm,
        service,
        scopes: ask.scopes,
        credential: ask.credential,
        publicOnly: !mayBeInternal,
      },
      limits,
    ).catch((error: unknown) => {
      // A name that leads to an internal address is found out only now.
      if (mayBeInternal || !isOciError(error, 'POLICY_REFUSED')) throw error;
      const message = `${registry} names the token server ${realm.host}: ${error.message}`;
      throw amendError(error, { message, cause: error, ...howToTrust(registry, realm) });
    });
  }
}

function basicOf(credential: Credential | undefined): Authorization | undefined {
  return credential?.kind === 'password'
    ? { header: basicHeader(credential), ...toldOf(credential), isKept: false }
    : undefined;
}

function bearerHeader(token: Token): string {
  return `Bearer ${token.value}`;
}

function identityOf(credential: Credential | undefined): string {
  if (!credential) return 'anonymous';
  return credential.kind === 'password'
    ? JSON.stringify([credential.username, credential.password])
    : JSON.stringify([credential.token]);
}

function toldOf(credential: Credential | undefined): Pick<Authorization, 'of' | 'hint'> {
  return { of: nameOf(credential), hint: credential?.hint };
}

/** e.g. `tester from ~/.docker/config.json`. */
function nameOf(credential: Credential | undefined): string | undefined {
  if (!credential) return undefined;
  const who = {
    password: () => (credential.kind === 'password' ? credential.username : ''),
    refresh: () => 'an identity token',
    bearer: () => 'a registry token',
  }[credential.kind]();
  return credential.from === undefined ? who : `${who} from ${credential.from}`;
}

function refused(error: OciError, { of, hint }: Pick<Authorization, 'of' | 'hint'>): OciError {
  const { request } = error;
  const message = request
    ? `${new URL(request.url).host} does not accept the credential of ${of} (${request.status})`
    : `${error.message}; the credential is ${of}`;
  const answer = hint === undefined ? {} : { hint, reason: undefined };
  return amendError(error, { message, cause: error, ...answer });
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
