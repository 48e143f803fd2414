import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

import { CredentialRejected, unauthorized } from '../http/refusal.js';
import { type AccessToken, findAccessToken } from './access-token.js';
import { type Caller, type Credential, type RegistryCaller, anonymous } from './caller.js';
import { ClientCertificates } from './client-certificate.js';
import { JwtIssuer, type JwtIssuerOptions } from './jwt-issuer.js';
import { qualifyRules } from './qualified-rules.js';
import { RegistryTokens, registryService } from './registry-token.js';
import { type Action, type Rule, permits, permitsWithin } from './rule.js';

export interface AccessOptions {
  readonly tokens?: readonly AccessToken[] | undefined;
  readonly issuers?: readonly JwtIssuerOptions[] | undefined;
  readonly rules?: readonly Rule[] | undefined;
  /** Signs the tokens of the registry flow; 32 bytes that replicas share. Random when absent. */
  readonly tokenKey?: Uint8Array | undefined;
}

/** Who is who, and who may do what: one state of the configuration, which a reload replaces. */
export class Access {
  /** False while nothing is configured: everybody may do everything. */
  readonly restricted: boolean;
  readonly registryTokens: RegistryTokens;
  readonly #rules: readonly Rule[];
  readonly #tokens: readonly AccessToken[];
  readonly #issuers: readonly JwtIssuer[];
  readonly #certificates: ClientCertificates;

  /**
   * @param clientCa PEM of the authorities of client certificates
   * @throws OciError `CONFIG_INVALID` for rules that do not say which issuer they mean, and no authorities
   */
  constructor(options: AccessOptions = {}, clientCa?: string) {
    const issuers = options.issuers ?? [];
    this.#rules = qualifyRules(
      options.rules ?? [],
      issuers.map(({ name }) => name),
    );
    this.#tokens = options.tokens ?? [];
    this.#issuers = issuers.map((issuer) => new JwtIssuer(issuer));
    this.#certificates = new ClientCertificates(clientCa);
    this.registryTokens = new RegistryTokens(options.tokenKey);
    this.restricted = this.#rules.length > 0 || this.#tokens.length > 0 || this.#issuers.length > 0;
  }

  /** The same rules and identities, with the key that another state signs with. */
  withTokensOf({ registryTokens }: Access): Access {
    return Object.assign(this, { registryTokens });
  }

  permits(caller: Caller, action: Action, repository?: string): boolean {
    if (!this.restricted) return true;
    return permits(this.#rules, caller, { action, repository });
  }

  /** Whether something of a namespace may be shown; of any when there is none. */
  permitsWithin(caller: Caller, action: Action, namespace?: string): boolean {
    if (!this.restricted) return true;
    return permitsWithin(this.#rules, caller, { action, namespace });
  }

  /**
   * The sender of a request, by a credential of their own. Credentials that are wrong are refused even where
   * none are needed; while nothing is configured none are looked at.
   *
   * @throws Refusal 401, for a token of the registry flow too
   */
  async authenticate(request: IncomingMessage): Promise<Caller> {
    const [scheme, value] = this.#shown(request);
    switch (scheme) {
      case '':
        return this.#certificates.callerOf(request) ?? anonymous;
      case 'bearer':
        return this.login(value);
      case 'basic':
        return this.#basic(value);
      default:
        throw unauthorized('the Authorization header is of no known scheme');
    }
  }

  /** As {@link authenticate}, for `/v2/`, where tokens of the registry flow count. @throws Refusal 401 */
  async authenticateRegistry(request: IncomingMessage): Promise<RegistryCaller> {
    const [scheme, value] = this.#shown(request);
    if (scheme !== 'bearer' || !isRegistryToken(value))
      return { holder: await this.authenticate(request), grants: undefined };
    const verified = await this.registryTokens.verify(value);
    if ('refused' in verified) throw wrong(verified);
    const { credential } = verified.holder;
    if (credential && !this.#isShown(credential, request))
      throw new CredentialRejected('the credential behind the token is no longer valid');
    return verified;
  }

  /** The caller of a bearer credential or a password: a token's secret, or a JWT. Either says alone who it is. */
  async login(secret: string): Promise<Caller> {
    return isJwt(secret) ? this.#jwt(secret) : this.#accessToken(secret);
  }

  /** Whether a credential that was accepted before is accepted still. */
  holds(credential: Credential): boolean {
    return this.endOf(credential) > Date.now();
  }

  /** Milliseconds since the epoch at which a credential ends; the configuration may have moved it. */
  endOf({ id, expiresAt = Infinity }: Credential): number {
    if (!this.restricted) return expiresAt;
    const token = this.#tokens.find((known) => credentialOf(known).id === id);
    if (token) return token.expiresAt ?? Infinity;
    const isKnown = this.#certificates.knows(id) || this.#issuers.some((known) => known.id === id);
    return isKnown ? expiresAt : 0;
  }

  /** A certificate is shown with each connection, also beside a token that it was exchanged for. */
  #isShown(credential: Credential, request: IncomingMessage): boolean {
    const isCertificate = credential.id.startsWith('certificate:');
    const shown = isCertificate ? this.#certificates.callerOf(request)?.credential : credential;
    return shown?.id === credential.id && this.holds(credential);
  }

  #shown({ headers }: IncomingMessage): readonly [scheme: string, value: string] {
    const [scheme = '', value = ''] = (headers.authorization ?? '').split(/ +/, 2);
    return this.restricted ? [scheme.toLowerCase(), value] : ['', ''];
  }

  async #basic(value: string): Promise<Caller> {
    const text = Buffer.from(value, 'base64').toString('utf8');
    const colon = text.indexOf(':');
    if (colon < 0) throw unauthorized('the Authorization header is malformed');
    return this.login(text.slice(colon + 1));
  }

  #accessToken(secret: string): Caller {
    const token = findAccessToken(this.#tokens, secret);
    if (token === undefined) throw unauthorized('the credentials are wrong');
    if (token === 'expired') throw new CredentialRejected('the token has expired');
    const subject = `token:${token.name}`;
    return { subject, names: [subject], identity: subject, credential: credentialOf(token) };
  }

  async #jwt(token: string): Promise<Caller> {
    if (isRegistryToken(token))
      throw new CredentialRejected('a token of the registry flow is good for /v2/ alone');
    const issuer = this.#issuers.find((known) => known.issuer === issuerOf(token));
    if (!issuer) throw unauthorized('the token is of an unknown issuer');
    const result = await issuer.verify(token);
    if ('refused' in result) throw wrong(result);
    return result;
  }
}

function wrong({ refused, ended }: { readonly refused: string; readonly ended: boolean }) {
  return ended ? new CredentialRejected(refused) : unauthorized(refused);
}

function credentialOf({ name, hash, expiresAt }: AccessToken): Credential {
  const id = createHash('sha256').update(`${name}\n${hash}`).digest('base64url');
  return { id: `token:${id}`, expiresAt };
}

function isJwt(text: string): boolean {
  return text.length < 16_384 && /^[\w-]+\.[\w-]+\.[\w-]*$/.test(text);
}

/** Unverified: it only says which keys to try. */
function isRegistryToken(text: string): boolean {
  return isJwt(text) && issuerOf(text) === registryService;
}

/** Unverified: it only says whose keys to try. */
function issuerOf(token: string): unknown {
  try {
    const claims: unknown = JSON.parse(
      Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'),
    );
    return (claims as { iss?: unknown } | null)?.iss;
  } catch {
    return undefined;
  }
}
