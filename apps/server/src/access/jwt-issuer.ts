import { createHash } from 'node:crypto';

import { OciError, onceDone } from '@oci/spec-types';
import { parseRetryAfter } from '@oci/spec-types/registry-api';
import { BackOff } from '@oci/spec-types/retry';
import { isLoopback, readBytes } from '@oci/spec-types/node';
import {
  type JWTPayload,
  type JWTVerifyGetKey,
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  jwtVerify,
} from 'jose';

import type { Caller } from './caller.js';
import { qualifiedName } from './qualified-rules.js';

/** An identity provider whose JWTs are believed. */
export interface JwtIssuerOptions {
  /** The `iss` of its tokens, and where OIDC discovery begins. */
  readonly issuer: string;
  /** Tells its users and groups from those of other issuers, in rules and logs. */
  readonly name?: string | undefined;
  readonly audience: string;
  /** Default: what discovery tells. */
  readonly jwksUrl?: string | undefined;
  /** Keys that were read from a file, instead of asking. */
  readonly jwks?: Parameters<typeof createLocalJWKSet>[0] | undefined;
  /** The claim that names the caller. Default `sub`. */
  readonly subjectClaim?: string | undefined;
  /** The claim that lists its groups. Default `groups`. */
  readonly groupsClaim?: string | undefined;
}

export interface RefusedJwt {
  readonly refused: string;
  readonly ended: boolean;
}

/** Asymmetric ones only: a public key must never be taken for a shared secret (CVE-2015-9235). */
const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'EdDSA',
];
const clockToleranceS = 30;
const timeoutMs = 5000;
/** An issuer that fails is asked again after 1 s, 2 s, 4 s and so on: whoever shows a token would have it asked. */
const pauses = { baseDelayMs: 1000, maxDelayMs: 60_000 };
/** Bytes of a discovery document, or of a key set. */
const maxBytes = 1024 * 1024;

/** Checks tokens of one issuer; its keys are fetched when they are needed, and kept. */
export class JwtIssuer {
  readonly issuer: string;
  /** Changes with any of its settings; the fingerprint of its callers' credentials. */
  readonly id: string;
  readonly #options: JwtIssuerOptions;
  readonly #backOff = new BackOff(pauses);
  readonly #keys = onceDone(() => this.#findKeys());

  constructor(options: JwtIssuerOptions) {
    this.issuer = options.issuer;
    this.#options = options;
    this.id = `user:${createHash('sha256').update(JSON.stringify(options)).digest('base64url')}`;
  }

  /**
   * @returns the caller, or why the token is not accepted; `ended` for one that was accepted before
   * @throws OciError `NETWORK` when the issuer's keys can't be fetched
   */
  async verify(token: string): Promise<Caller | RefusedJwt> {
    const { issuer, audience } = this.#options;
    try {
      const keys = await this.#keys();
      const options = { issuer, audience, algorithms, clockTolerance: clockToleranceS };
      const { payload } = await jwtVerify(token, keys, { ...options, requiredClaims: ['exp'] });
      return this.#callerOf(payload);
    } catch (error) {
      if (error instanceof errors.JOSEError && !isOfProvider(error))
        return { refused: reasonOf(error), ended: error instanceof errors.JWTExpired };
      // Those who waited for one answer have seen one failure.
      if (!this.#backOff.isPaused) this.#backOff.failed();
      throw unreachable(issuer, error);
    }
  }

  #callerOf(payload: JWTPayload): Caller | RefusedJwt {
    const { subjectClaim = 'sub', groupsClaim = 'groups', name } = this.#options;
    const subject = payload[subjectClaim];
    if (typeof subject !== 'string' || subject === '')
      return { refused: `the token has no ${subjectClaim}`, ended: false };
    const groups = payload[groupsClaim];
    const texts = Array.isArray(groups) ? groups.filter((group) => typeof group === 'string') : [];
    return {
      subject: `user:${name === undefined ? '' : `${name}/`}${subject}`,
      names: [
        qualifiedName('user', name, subject),
        ...texts.map((group) => qualifiedName('group', name, group)),
      ],
      identity: JSON.stringify([this.issuer, subject]),
      credential: { id: this.id, expiresAt: (payload.exp ?? 0) * 1000 },
    };
  }

  async #findKeys(): Promise<JWTVerifyGetKey> {
    const { jwks, jwksUrl, issuer } = this.#options;
    if (jwks) return createLocalJWKSet(jwks);
    const ask = (url: string, init: RequestInit): Promise<Response> => this.#ask(url, init);
    const url = jwksUrl ?? (await discover(issuer, ask));
    return createRemoteJWKSet(new URL(url), {
      timeoutDuration: timeoutMs,
      [customFetch]: ask,
    });
  }

  async #ask(url: string, init: RequestInit): Promise<Response> {
    if (this.#backOff.isPaused) throw new Error(`${url} is left alone after a failure`);
    const answer = await boundedFetch(url, init);
    if (answer.ok) this.#backOff.succeeded();
    else this.#backOff.failed(parseRetryAfter(answer.headers.get('retry-after') ?? undefined));
    return answer;
  }
}

/** OpenID Connect Discovery 1.0, section 4. */
async function discover(
  issuer: string,
  ask: (url: string, init: RequestInit) => Promise<Response>,
): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const answer = await ask(url, {
    signal: AbortSignal.timeout(timeoutMs),
    redirect: 'error',
  });
  const document = (await answer.json()) as { jwks_uri?: unknown; issuer?: unknown };
  if (!answer.ok || typeof document.jwks_uri !== 'string' || document.issuer !== issuer)
    throw new Error(`${url} is no discovery document of ${issuer}`);
  if (!isSafeUrl(document.jwks_uri)) throw new Error(`${document.jwks_uri} is not an https:// URL`);
  return document.jwks_uri;
}

/** Whether keys may come from a URL: whoever can alter them on their way can be anybody. */
export function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}

/** An answer of a provider, whose body is read within a limit. */
async function boundedFetch(url: string, init: RequestInit): Promise<Response> {
  const answer = await fetch(url, init);
  const body = answer.body ?? new Blob([]).stream();
  const bytes = await readBytes(body, { limit: maxBytes, what: url });
  return new Response(Buffer.from(bytes), { status: answer.status, headers: answer.headers });
}

/** Keys that are not had, or are none, say nothing about a token: who shows it has guessed nothing. */
function isOfProvider({ code }: errors.JOSEError): boolean {
  return ['ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID', 'ERR_JOSE_GENERIC'].includes(code);
}

function reasonOf(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return 'the token has expired';
  if (error instanceof errors.JWTClaimValidationFailed)
    return `the token's ${error.claim} is wrong`;
  return 'the token is not valid';
}

function unreachable(issuer: string, cause: unknown): OciError {
  return new OciError('NETWORK', `the keys of ${issuer} can not be fetched`, {
    cause,
    hint: 'Try again later; the operator finds the reason in the server log.',
  });
}
