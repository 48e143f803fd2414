import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';

import { unauthorized } from '../http/refusal.js';
import { type AccessToken, findAccessToken } from './access-token.js';
import { JwtIssuer, type JwtIssuerOptions } from './jwt-issuer.js';
import { type RegistryCaller, RegistryTokens, registryService } from './registry-token.js';
import { type Action, type Caller, type Rule, anonymous, permits, permitsWithin } from './rule.js';

export interface AccessOptions {
  readonly tokens?: readonly AccessToken[] | undefined;
  readonly issuers?: readonly JwtIssuerOptions[] | undefined;
  readonly rules?: readonly Rule[] | undefined;
  /** Signs the tokens of the registry flow; 32 bytes that replicas share. Random when absent. */
  readonly tokenKey?: Uint8Array | undefined;
}

/** What the server shows when it asks itself; new with every process. */
export const ownHeader: { readonly name: string; readonly value: string } = {
  name: 'x-oci-server-own',
  value: randomBytes(32).toString('base64url'),
};

export const ourselves: Caller = { subject: 'server', groups: [] };

/** Who is who, and who may do what: one state of the configuration, which a reload replaces. */
export class Access {
  /** False while nothing is configured: everybody may do everything. */
  readonly restricted: boolean;
  readonly registryTokens: RegistryTokens;
  readonly #rules: readonly Rule[];
  readonly #tokens: readonly AccessToken[];
  readonly #issuers: readonly JwtIssuer[];

  constructor(options: AccessOptions = {}) {
    this.#rules = options.rules ?? [];
    this.#tokens = options.tokens ?? [];
    this.#issuers = (options.issuers ?? []).map((issuer) => new JwtIssuer(issuer));
    this.registryTokens = new RegistryTokens(options.tokenKey);
    this.restricted = this.#rules.length > 0 || this.#tokens.length > 0 || this.#issuers.length > 0;
  }

  /** The same rules and identities, with the key that another state signs with. */
  withTokensOf({ registryTokens }: Access): Access {
    return Object.assign(this, { registryTokens });
  }

  permits(caller: Caller, action: Action, repository?: string): boolean {
    if (!this.restricted || caller === ourselves) return true;
    return permits(this.#rules, caller, { action, repository });
  }

  /** Whether something of a namespace may be shown; of any when there is none. */
  permitsWithin(caller: Caller, action: Action, namespace?: string): boolean {
    if (!this.restricted || caller === ourselves) return true;
    return permitsWithin(this.#rules, caller, { action, namespace });
  }

  /**
   * Who sent a request. Credentials that are wrong are refused even where none are needed; while nothing
   * is configured none are looked at.
   *
   * @throws Refusal 401
   */
  async authenticate(request: IncomingMessage): Promise<Caller | RegistryCaller> {
    if (isOurs(request)) return ourselves;
    if (!this.restricted) return certificateCaller(request) ?? anonymous;
    const [scheme = '', value = ''] = (request.headers.authorization ?? '').split(/ +/, 2);
    switch (scheme.toLowerCase()) {
      case '':
        return certificateCaller(request) ?? anonymous;
      case 'bearer':
        return this.#bearer(value);
      case 'basic':
        return this.#basic(value);
      default:
        throw unauthorized('the Authorization header is of no known scheme');
    }
  }

  /** The caller of a user name and a password: a token's name and secret, or any name and a JWT. */
  async login(username: string, password: string): Promise<Caller> {
    if (isJwt(password)) return accepted(await this.#jwt(password));
    const caller = this.#accessToken(password);
    if (caller.subject !== `token:${username}`) throw unauthorized('the credentials are wrong');
    return caller;
  }

  async #bearer(secret: string): Promise<Caller> {
    if (!isJwt(secret)) return this.#accessToken(secret);
    if (issuerOf(secret) !== registryService) return accepted(await this.#jwt(secret));
    const caller = accepted(await this.registryTokens.verify(secret));
    // A token that was taken out of the configuration takes what it asked for with it.
    const name = /^token:(.*)$/.exec(caller.subject)?.[1];
    if (name !== undefined && !this.#tokens.some((token) => token.name === name))
      throw unauthorized('the credentials are wrong');
    return caller;
  }

  async #basic(value: string): Promise<Caller> {
    const text = Buffer.from(value, 'base64').toString('utf8');
    const colon = text.indexOf(':');
    if (colon < 0) throw unauthorized('the Authorization header is malformed');
    return this.login(text.slice(0, colon), text.slice(colon + 1));
  }

  #accessToken(secret: string): Caller {
    const token = findAccessToken(this.#tokens, secret);
    if (token === undefined) throw unauthorized('the credentials are wrong');
    if (token === 'expired') throw unauthorized('the token has expired');
    return { subject: `token:${token.name}`, groups: [] };
  }

  async #jwt(token: string): Promise<Caller | { readonly refused: string }> {
    const issuer = this.#issuers.find((known) => known.issuer === issuerOf(token));
    return issuer ? issuer.verify(token) : { refused: 'the token is of an unknown issuer' };
  }
}

function accepted<T extends Caller>(result: T | { readonly refused: string }): T {
  if ('refused' in result) throw unauthorized(result.refused);
  return result;
}

export function isOurs({ headers }: IncomingMessage): boolean {
  const shown = headers[ownHeader.name];
  if (shown === undefined) return false;
  const given = Buffer.from(String(shown));
  const known = Buffer.from(ownHeader.value);
  return given.length === known.length && timingSafeEqual(given, known);
}

function certificateCaller({ socket }: IncomingMessage): Caller | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const name = socket.getPeerCertificate().subject?.CN;
  const first = Array.isArray(name) ? name[0] : name;
  return first ? { subject: `certificate:${first}`, groups: [] } : undefined;
}

function isJwt(text: string): boolean {
  return text.length < 16_384 && /^[\w-]+\.[\w-]+\.[\w-]*$/.test(text);
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
