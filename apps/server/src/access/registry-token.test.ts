import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';

import { type TemporaryDirectory, temporaryDirectory } from '@oci/testing';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { createOciServerClient } from '../client/index.js';
import { type RunningServer, startServer } from '../server.js';
import type { ServerOptions } from '../server-options.js';
import { type AccessToken, createAccessToken } from './access-token.js';

const ci = createAccessToken();
const rotated = createAccessToken();
const keys = await generateKeyPair('ES256');
const jwks = { keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'one', alg: 'ES256' }] };
const issuer = { issuer: 'https://id.example', audience: 'oci', jwks };

let work: TemporaryDirectory;
let server: RunningServer;
let options: ServerOptions;

function withAccess(token: Partial<AccessToken> | undefined, issuers = [issuer]): ServerOptions {
  const tokens = token ? [{ name: 'ci', hash: ci.hash, ...token }] : [];
  const all = ['list', 'pull', 'push', 'install', 'observe', 'admin'] as const;
  const rules = [{ who: ['authenticated'], namespaces: ['*'], actions: all }];
  return { ...options, access: { tokens, issuers, rules } };
}

beforeEach(async () => {
  work = await temporaryDirectory();
  options = {
    listen: { host: '127.0.0.1', port: 0 },
    dataDir: join(work.path, 'data'),
    manager: { namespace: 'extensions', cacheDir: join(work.path, 'cache') },
  };
  server = await startServer(withAccess({}));
});
afterEach(async () => {
  await server.close();
  await work.remove();
});

const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });

async function status(path: string, secret: string, method = 'GET'): Promise<number> {
  const answer = await fetch(server.url + path, { method, headers: bearer(secret) });
  await answer.arrayBuffer();
  return answer.status;
}

async function registryToken(secret: string, scope = 'repository:kcl/a:pull'): Promise<string> {
  const url = `${server.url}/token?service=oci-server&scope=${scope}`;
  const answer = await fetch(url, { headers: bearer(secret) });
  const { token, expires_in } = (await answer.json()) as { token: string; expires_in: number };
  expect(Math.abs(expOf(token) - Date.now() / 1000 - expires_in)).toBeLessThan(60);
  return token;
}

function expOf(token: string): number {
  const claims = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
  return (JSON.parse(claims) as { exp: number }).exp;
}

function jwt(seconds: number): Promise<string> {
  return new SignJWT({})
    .setProtectedHeader({ alg: 'ES256', kid: 'one' })
    .setIssuer(issuer.issuer)
    .setAudience('oci')
    .setSubject('alice')
    .setExpirationTime(Math.floor(Date.now() / 1000) + seconds)
    .sign(keys.privateKey);
}

describe('a registry token', () => {
  test.each<[string, string]>([
    ['GET', '/token?service=oci-server&scope=repository:kcl/a:pull,push'],
    ['GET', '/metrics'],
    ['GET', '/api/v1/oci/cache'],
    ['GET', '/api/v1/oci/jobs'],
    ['DELETE', '/api/v1/oci/cache/manifests'],
    ['GET', '/api/v1/oci/jobs/00000000-0000-4000-8000-000000000000/events'],
  ])('does not open %s %s', async (method, path) => {
    const token = await registryToken(ci.secret, 'repository:kcl/a:pull,push,delete');
    expect(await status(path, token, method)).toBe(401);
    expect(await status('/v2/kcl/a/tags/list', token)).toBe(404);
  });

  test('is no password', async () => {
    const password = await registryToken(ci.secret);
    const basic = Buffer.from(`ci:${password}`).toString('base64');
    const headers = { authorization: `Basic ${basic}` };
    expect((await fetch(`${server.url}/token`, { headers })).status).toBe(401);
    const body = new URLSearchParams({ grant_type: 'password', username: 'ci', password });
    expect((await fetch(`${server.url}/token`, { method: 'POST', body })).status).toBe(401);
  });

  test('that was asked for one repository does not list the others', async () => {
    expect(await status('/v2/_catalog', await registryToken(ci.secret))).toBe(401);
    const catalog = await registryToken(ci.secret, 'registry:catalog:*');
    expect(await status('/v2/_catalog', catalog)).toBe(200);
  });

  test.each<[string, () => ServerOptions]>([
    ['has another secret', () => withAccess({ hash: rotated.hash })],
    ['has expired', () => withAccess({ expiresAt: Date.now() - 1 })],
    ['was removed', () => withAccess(undefined)],
  ])('ends when the token behind it %s', async (_, next) => {
    const token = await registryToken(ci.secret);
    await server.reload(withAccess({}));
    expect(await status('/v2/kcl/a/tags/list', token)).toBe(404);
    await server.reload(next());
    expect(await status('/v2/kcl/a/tags/list', token)).toBe(401);
  });

  test('ends when the issuer behind it is removed, or has other keys', async () => {
    const token = await registryToken(await jwt(600));
    expect(await status('/v2/kcl/a/tags/list', token)).toBe(404);
    await server.reload(withAccess({}, [{ ...issuer, jwks: { keys: [] } }]));
    expect(await status('/v2/kcl/a/tags/list', token)).toBe(401);
    await server.reload(withAccess({}, []));
    expect(await status('/v2/kcl/a/tags/list', token)).toBe(401);
  });

  test('lives no longer than the credential behind it', async () => {
    const now = Date.now() / 1000;
    const short = await jwt(100);
    expect(expOf(await registryToken(short))).toBe(expOf(short));
    expect(expOf(await registryToken(await jwt(6000)))).toBeLessThanOrEqual(now + 330);
    const expiresAt = Date.now() + 50_000;
    await server.reload(withAccess({ expiresAt }));
    expect(expOf(await registryToken(ci.secret))).toBeLessThanOrEqual(expiresAt / 1000);
  });
});

test.each<[string, () => Partial<AccessToken>]>([
  ['is revoked', () => ({ hash: rotated.hash })],
  ['expires', () => ({ expiresAt: Date.now() + 50 })],
])('a stream of job events ends when the credential that opened it %s', async (_, change) => {
  const silent = createServer(() => {}).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as { port: number };
  const slow = (token: Partial<AccessToken>): ServerOptions => {
    const next = withAccess(token);
    return { ...next, manager: { ...next.manager, registryUrl: `http://127.0.0.1:${port}` } };
  };
  try {
    await server.reload(slow({}));
    const client = createOciServerClient({ url: server.url, token: ci.secret });
    const { id } = await client.startJob({ kind: 'kcl', name: 'demo', version: '1.0.0' });
    const events = client.jobEvents(id)[Symbol.asyncIterator]();
    expect(await events.next()).toMatchObject({ value: { event: 'job' } });
    const next = events.next();
    await server.reload(slow(change()));
    expect(await next).toMatchObject({ done: true });
    await server.reload(slow({ hash: rotated.hash }));
    const renewed = createOciServerClient({ url: server.url, token: rotated.secret });
    expect(await renewed.cancelJob({ id })).toMatchObject({ state: 'cancelled' });
  } finally {
    silent.closeAllConnections();
    silent.close();
  }
});

test('a token is asked for 50 scopes at most, and the others are left out', async () => {
  const scopes = Array.from({ length: 60 }, (_, at) => `scope=repository:kcl/r${at}:pull`);
  const answer = await fetch(`${server.url}/token?${scopes.join('&')}`, {
    headers: bearer(ci.secret),
  });
  const { scope } = (await answer.json()) as { scope: string };
  expect(scope.split(' ')).toHaveLength(50);
});
