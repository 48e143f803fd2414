import { OciError, type RepositoryName, isOciError, parseRegistryPath } from '@oci/spec-types';

import type { Credential, CredentialSource } from '../credentials/credential.js';
import { resolvesInternally } from '../transport/address-policy.js';
import type { BodyLimits } from '../transport/bounded-body.js';
import type { Exchange, RegistryRequest } from '../transport/exchange.js';
import type { Challenge } from './challenge.js';
import { mayReceiveCredentials, refuseUnsafeRealm } from './realm-policy.js';
import { canonicalScopes } from './scope.js';
import { type Token, basicHeader, fetchToken } from './token.js';
import { TokenCache } from './token-cache.js';
import type { TokenStore } from './token-file.js';

export interface AuthorizationOptions {
  /** The only origin that is ever authorized to. */
  readonly origin: URL;
  /** What the user calls the registry. */
  readonly registry: string;
  readonly credentials: CredentialSource;
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
  /** Whose it is, in words and without the secret. */
  readonly of: string;
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
  readonly #tokens: TokenCache;
  #challenge: Challenge | undefined;

  constructor(exchange: Exchange, options: AuthorizationOptions) {
    this.#exchange = exchange;
    this.#options = options;
    this.#tokens = new TokenCache(options.tokenStore);
  }

  /** For a request, from what an earlier challenge taught; undefined before the first. */
  async known(request: RegistryRequest): Promise<Authorization | undefined> {
    if (!this.#challenge) return undefined;
    return this.#authorize(this.#challenge, request, {});
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

  async #authorize(
    challenge: Challenge,
    request: RegistryRequest,
    { asked = '', rejected }: { asked?: string; rejected?: string | undefined },
  ): Promise<Authorization | undefined> {
    const credential = await this.#credential(request, false);
    const of = nameOf(credential);
    if (credential?.kind === 'bearer') return { header: `Bearer ${credential.token}`, of };
    if (challenge.scheme === 'basic') return this.#basic(credential, request, rejected);
    const scopes = canonicalScopes([...request.scopes, asked]);
    try {
      return { header: await this.#token({ challenge, scopes, credential }, rejected), of };
    } catch (error) {
      if (!credential || !isOciError(error, 'UNAUTHORIZED')) throw error;
      // A helper's answer that was remembered may be out of date.
      const fresh = await this.#credential(request, true);
      if (fresh?.kind === 'bearer' || identityOf(fresh) === identityOf(credential))
        throw refused(error, of);
      return { header: await this.#token({ challenge, scopes, credential: fresh }), of };
    }
  }

  async #basic(
    credential: Credential | undefined,
    request: RegistryRequest,
    rejected: string | undefined,
  ): Promise<Authorization | undefined> {
    const given = basicOf(credential);
    if (given === undefined || given.header !== rejected) return given;
    return basicOf(await this.#credential(request, true));
  }

  #credential(request: RegistryRequest, fresh: boolean): Promise<Credential | undefined> {
    const { registry, credentials } = this.#options;
    const { url, signal } = request;
    return credentials(registry, { repository: repositoryOf(url), fresh, signal });
  }

  async #token(ask: TokenAsk, rejected?: string): Promise<string> {
    const { realm, service } = ask.challenge.parameters;
    const { origin } = this.#options;
    const purpose = JSON.stringify([origin.origin, realm, service, ask.scopes]);
    const key = { purpose, identity: identityOf(ask.credential) };
    const token = await this.#tokens.get(key, {
      fetch: () => this.#fetch(ask),
      isRejected: (known) => bearerHeader(known) === rejected,
    });
    return bearerHeader(token);
  }

  async #fetch(ask: TokenAsk): Promise<Token> {
    const { origin, registry, trustedRealms, limits } = this.#options;
    const realm = parseRealm(ask.challenge.parameters['realm'] ?? '', registry);
    refuseUnsafeRealm(origin, realm);
    const trusted = await mayReceiveCredentials(origin, realm, trustedRealms);
    if (ask.credential && !trusted) {
      throw new OciError(
        'POLICY_REFUSED',
        `${registry} wants your credentials sent to ${realm.host}`,
        {
          hint: `If that is right, trust it: trustedRealms: ['${realm.host}'], in the configuration trusted_realms of registries."${registry}".`,
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

function basicOf(credential: Credential | undefined): Authorization | undefined {
  return credential?.kind === 'password'
    ? { header: basicHeader(credential), of: nameOf(credential) }
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

/** e.g. `tester from ~/.docker/config.json`. */
function nameOf(credential: Credential | undefined): string {
  if (!credential) return 'nobody in particular';
  const who = {
    password: () => (credential.kind === 'password' ? credential.username : ''),
    refresh: () => 'an identity token',
    bearer: () => 'a registry token',
  }[credential.kind]();
  return credential.from === undefined ? who : `${who} from ${credential.from}`;
}

function refused(error: OciError, of: string): OciError {
  return new OciError(error.code, `${error.message}; the credential is ${of}`, {
    hint: error.hint,
    cause: error,
    request: error.request,
    registryErrors: error.registryErrors,
  });
}

function repositoryOf(url: URL): RepositoryName | undefined {
  const route = parseRegistryPath(url.pathname);
  return route && 'name' in route ? route.name : undefined;
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
