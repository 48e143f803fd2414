import { OciError } from '@oci/spec-types';

import type { Credential } from '../credentials/credential.js';
import { type BodyLimits, readBody } from '../transport/bounded-body.js';
import type { Exchange, RegistryRequest } from '../transport/exchange.js';
import { expectStatus } from '../transport/response-failure.js';

/** A bearer token, and until when it is used (milliseconds since the epoch, by our clock). */
export interface Token {
  readonly value: string;
  readonly expiresAt: number;
}

export interface TokenRequest {
  /** With the query that the registry gave it. */
  readonly realm: URL;
  readonly service: string | undefined;
  readonly scopes: readonly string[];
  readonly credential: Exclude<Credential, { kind: 'bearer' }> | undefined;
  readonly publicOnly: boolean;
  readonly signal?: AbortSignal | undefined;
}

const clientId = 'oci-toolkit';

/** Answers that some servers give to the OAuth2 POST which they do not know. */
const postUnknown = new Set([400, 401, 404, 405]);

/**
 * Gets a token: by GET, with Basic when there is a password, or by the OAuth2 POST for a refresh
 * token, falling back to GET where a server doesn't know it (distribution's token specification).
 *
 * @throws OciError `UNAUTHORIZED`, `DENIED`, `PROTOCOL`, `LIMIT_EXCEEDED`
 */
export async function fetchToken(
  exchange: Exchange,
  ask: TokenRequest,
  limits: Pick<BodyLimits, 'tokenBytes' | 'errorBytes'>,
): Promise<Token> {
  const send = async (request: RegistryRequest): Promise<Token | number> => {
    const response = await exchange(request);
    if (request.method === 'POST' && postUnknown.has(response.status)) {
      await response.body.dump();
      return response.status;
    }
    const subject = { name: 'a token', missing: 'UNSUPPORTED' } as const;
    await expectStatus(response, [200], { request, subject, errorBytes: limits.errorBytes });
    return readToken(await readBody(response, limits.tokenBytes, request), request.url.host);
  };
  if (ask.credential?.kind === 'refresh') {
    const token = await send(oauth2Request(ask, ask.credential.token));
    if (typeof token !== 'number') return token;
    if (token === 404 || token === 405) return mustBeToken(await send(plainRequest(ask)));
    throw new OciError(
      'UNAUTHORIZED',
      `${ask.realm.host} does not accept the stored identity token (${token})`,
      {
        hint: 'It may have expired: log in again.',
      },
    );
  }
  return mustBeToken(await send(plainRequest(ask)));
}

function mustBeToken(token: Token | number): Token {
  if (typeof token !== 'number') return token;
  throw new OciError('INTERNAL', 'a GET is never answered by a status here');
}

function plainRequest(ask: TokenRequest): RegistryRequest {
  const url = new URL(ask.realm);
  if (ask.service !== undefined) url.searchParams.set('service', ask.service);
  for (const scope of ask.scopes) url.searchParams.append('scope', scope);
  const { credential } = ask;
  // A server without the POST takes an identity token for a password, as containerd sends it.
  const password =
    credential?.kind === 'refresh' ? { username: '', password: credential.token } : credential;
  const basic = password ? { authorization: basicHeader(password) } : {};
  return { ...common(ask, url), method: 'GET', headers: { accept: 'application/json', ...basic } };
}

function oauth2Request(ask: TokenRequest, refreshToken: string): RegistryRequest {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
    client_id: clientId,
    scope: ask.scopes.join(' '),
    ...(ask.service !== undefined && { service: ask.service }),
  });
  const headers = {
    accept: 'application/json',
    'content-type': 'application/x-www-form-urlencoded',
  };
  return { ...common(ask, ask.realm), method: 'POST', headers, body: Buffer.from(form.toString()) };
}

function common(
  ask: TokenRequest,
  url: URL,
): Pick<RegistryRequest, 'url' | 'scopes' | 'publicOnly' | 'signal' | 'lane'> {
  return { url, scopes: [], publicOnly: ask.publicOnly, signal: ask.signal, lane: 'token' };
}

export function basicHeader(credential: {
  readonly username: string;
  readonly password: string;
}): string {
  return `Basic ${Buffer.from(`${credential.username}:${credential.password}`).toString('base64')}`;
}

/** Lifetimes below a minute are raised to it, for clients would otherwise ask for each request. */
const minLifetimeMs = 60_000;
/** A token is renewed this long before its end. */
const marginMs = 5_000;

function readToken(body: Uint8Array, host: string): Token {
  const value = parseObject(body);
  // Harbor and old token servers write one of the two members empty.
  const token = [value['access_token'], value['token']].find((member) => member);
  if (typeof token !== 'string' || /[^\x21-\x7e]/.test(token)) {
    throw new OciError('PROTOCOL', `the token server ${host} answered without a token`);
  }
  const seconds = typeof value['expires_in'] === 'number' ? value['expires_in'] : 60;
  const lifetimeMs = Math.max(minLifetimeMs, Math.min(seconds, 24 * 3600) * 1000);
  // Our own clock counts: an `issued_at` that is wrong must not make a token eternal.
  return { value: token, expiresAt: Date.now() + lifetimeMs - marginMs };
}

function parseObject(body: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString('utf8'));
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Said below, without the text: it may hold a secret.
  }
  return {};
}
