import { createServer } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { kclPackage, temporaryDirectory, testAuthority } from '@oci/testing';
import { SignJWT, exportJWK, exportSPKI, generateKeyPair } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { verifyAudit } from '../audit/audit-verify.js';
import { type RunningServer, startServer } from '../server.js';
import { createAccessToken, hashSecret } from './access-token.js';

const right = createAccessToken();
const other = createAccessToken();
const expired = createAccessToken();
const audience = 'oci-server';

const keys = await generateKeyPair('ES256');
const strange = await generateKeyPair('ES256');
const provider = createServer(
  (_, response) => void answerKeys().then((body) => response.end(body)),
);
let issuer: string;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let server: RunningServer;
let secured: RunningServer;

async function answerKeys(): Promise<string> {
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'one', alg: 'ES256' };
  return JSON.stringify({ issuer, jwks_uri: `${issuer}/keys`, keys: [jwk] });
}

function jwt(
  change: {
    audience?: string;
    expires?: number;
    issuer?: string;
    key?: typeof keys.privateKey;
    alg?: string;
  } = {},
): Promise<string> {
  return new SignJWT({ groups: ['dev'] })
    .setProtectedHeader({ alg: 'ES256', kid: 'one' })
    .setIssuer(change.issuer ?? issuer)
    .setAudience(change.audience ?? audience)
    .setSubject('alice')
    .setExpirationTime(Math.floor(Date.now() / 1000) + (change.expires ?? 300))
    .sign(change.key ?? keys.privateKey);
}

beforeAll(async () => {
  provider.listen(0, '127.0.0.1');
  await once(provider, 'listening');
  issuer = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  directory = await temporaryDirectory();
  const access = {
    tokens: [
      { name: 'ci', hash: right.hash },
      { name: 'other', hash: other.hash },
      { name: 'old', hash: expired.hash, expiresAt: Date.now() - 1000 },
    ],
    issuers: [{ issuer, audience }],
    rules: [
      {
        who: ['token:ci', 'group:dev', 'certificate:tester'],
        namespaces: ['kcl'],
        actions: ['list', 'pull', 'push'] as const,
      },
      { who: ['token:other'], namespaces: ['team'], actions: ['list', 'pull'] as const },
      { who: ['token:ci'], namespaces: ['*'], actions: ['observe'] as const },
    ],
  };
  const common = (name: string) => ({
    listen: { host: '127.0.0.1', port: 0 },
    dataDir: join(directory.path, name, 'registry'),
    manager: { namespace: 'extensions', cacheDir: join(directory.path, name, 'cache') },
    audit: { dir: join(directory.path, name, 'audit') },
    access,
    // Each test asks from where it likes, so that only one of them is slowed down.
    trustedProxies: ['127.0.0.1'],
  });
  server = await startServer(common('plain'));
  const { ca, server: tls } = await testAuthority();
  secured = await startServer({ ...common('tls'), tls: { ...tls, clientCa: ca } });
  const artifact = kclPackage({ name: 'demo', version: '1.0.0' });
  for (const blob of artifact.blobs) {
    const url = `${server.url}/v2/kcl/demo/blobs/uploads/?digest=${blob.descriptor.digest}`;
    const push = { method: 'POST', body: Buffer.from(blob.bytes), headers: bearer(right.secret) };
    await fetch(url, push);
  }
  await fetch(`${server.url}/v2/kcl/demo/manifests/1.0.0`, {
    method: 'PUT',
    body: Buffer.from(artifact.manifest.bytes),
    headers: { ...bearer(right.secret), 'content-type': artifact.manifest.descriptor.mediaType },
  });
});
afterAll(async () => {
  await server.close();
  await secured.close();
  provider.close();
  await directory.remove();
});

const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });
const basic = (name: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}`,
});

let callers = 0;
/** An address that nobody asked from before: who guesses is slowed down by theirs. */
const elsewhere = () => ({ 'x-forwarded-for': `10.1.0.${(callers += 1)}` });

async function listing(headers: Record<string, string>): Promise<number> {
  const body = JSON.stringify({ namespace: 'kcl' });
  const answer = await fetch(`${server.url}/api/v1/oci/artifacts`, {
    method: 'POST',
    body,
    headers: { ...elsewhere(), ...headers, 'content-type': 'application/json' },
  });
  await answer.body?.cancel();
  return answer.status;
}

async function manifest(headers: Record<string, string>, client?: string): Promise<number> {
  const answer = await fetch(`${server.url}/v2/kcl/demo/manifests/1.0.0`, {
    headers: {
      ...elsewhere(),
      ...headers,
      ...(client !== undefined && { 'x-forwarded-for': client }),
    },
  });
  await answer.body?.cancel();
  return answer.status;
}

describe('callers', () => {
  test.each<[string, () => Promise<Record<string, string>> | Record<string, string>, number]>([
    ['nobody', () => ({}), 401],
    ['a wrong token', () => bearer('oci_wrong'), 401],
    ['the right token', () => bearer(right.secret), 200],
    ['the right token as a password', () => basic('ci', right.secret), 200],
    ['the right token under another name', () => basic('other', right.secret), 200],
    ['the right token without a name', () => basic('', right.secret), 200],
    ['the name of a token without its secret', () => basic('ci', ''), 401],
    ['an expired token', () => bearer(expired.secret), 401],
    ['a token of another namespace', () => bearer(other.secret), 403],
    ['the hash of a token', () => bearer(hashSecret(right.secret)), 401],
    ['a JWT', async () => bearer(await jwt()), 200],
    ['an expired JWT', async () => bearer(await jwt({ expires: -60 })), 401],
    ['a JWT of another audience', async () => bearer(await jwt({ audience: 'other' })), 401],
    ['a JWT of another issuer', async () => bearer(await jwt({ issuer: 'http://x' })), 401],
    ['a JWT of another key', async () => bearer(await jwt({ key: strange.privateKey })), 401],
    ['another scheme', () => ({ authorization: 'Negotiate abc' }), 401],
  ])('%s', async (_, headers, status) => {
    expect([await listing(await headers()), await manifest(await headers())]).toEqual([
      status,
      status,
    ]);
  });

  test.each<[string, boolean, number]>([
    ['a client certificate', true, 200],
    ['no client certificate', false, 401],
  ])('%s', async (_, hasCertificate, status) => {
    const { ca, client } = await testAuthority();
    const path = '/v2/kcl/nothing/tags/list';
    const request = httpsRequest(secured.url + path, {
      ca,
      agent: false,
      ...(hasCertificate && client),
    });
    const [answer] = (await once(request.end(), 'response')) as [
      { statusCode: number; resume(): void },
    ];
    answer.resume();
    expect(answer.statusCode).toBe(status === 200 ? 404 : status);
  });

  test('a JWT whose algorithm is none is refused (CVE-2015-9235)', async () => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = { iss: issuer, aud: audience, sub: 'alice', groups: ['dev'], exp: 4e9 };
    const forged = `${part({ alg: 'none', typ: 'JWT' })}.${part(claims)}.`;
    expect(await listing(bearer(forged))).toBe(401);
  });

  test('a public key is no shared secret (CVE-2015-9235)', async () => {
    const secret = Buffer.from(await exportSPKI(keys.publicKey));
    const forged = await new SignJWT({ groups: ['dev'] })
      .setProtectedHeader({ alg: 'HS256', kid: 'one' })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject('alice')
      .setExpirationTime('5m')
      .sign(secret);
    expect(await listing(bearer(forged))).toBe(401);
  });
});

describe('the token flow', () => {
  const token = async (headers: Record<string, string>, scope: string) => {
    const query = new URLSearchParams({ service: 'oci-server', scope });
    const answer = await fetch(`${server.url}/token?${query.toString()}`, {
      headers: { ...elsewhere(), ...headers },
    });
    const body = (await answer.json()) as { token: string; scope: string };
    return { status: answer.status, ...body };
  };

  test('a challenge tells where tokens are, and the token opens what it was asked for', async () => {
    const refused = await fetch(`${server.url}/v2/kcl/demo/tags/list`);
    expect(refused.headers.get('www-authenticate')).toBe(
      `Bearer realm="${server.url}/token",service="oci-server",scope="repository:kcl/demo:pull"`,
    );
    const { token: good, scope } = await token(
      basic('ci', right.secret),
      'repository:kcl/demo:pull,push',
    );
    expect(scope).toBe('repository:kcl/demo:pull,push');
    expect(await manifest(bearer(good))).toBe(200);
    const { token: short } = await token(basic('ci', right.secret), 'repository:kcl/else:pull');
    expect(await manifest(bearer(short))).toBe(401);
  });

  test('what no rule allows is left out of the token', async () => {
    expect(await token(basic('other', other.secret), 'repository:kcl/demo:pull')).toMatchObject({
      status: 200,
      scope: '',
    });
    expect(await token({}, 'repository:kcl/demo:pull')).toMatchObject({ status: 200, scope: '' });
    expect(await token(basic('ci', 'wrong'), 'repository:kcl/demo:pull')).toMatchObject({
      status: 401,
    });
  });

  test('a password grant works as docker sends it', async () => {
    const body = new URLSearchParams({
      grant_type: 'password',
      username: 'ci',
      password: right.secret,
      service: 'oci-server',
      scope: 'repository:kcl/demo:pull',
    });
    const answer = await fetch(`${server.url}/token`, { method: 'POST', body });
    const { access_token } = (await answer.json()) as { access_token: string };
    expect(await manifest(bearer(access_token))).toBe(200);
  });

  test('the catalog shows what may be listed, and a mount needs a pull of where it is from', async () => {
    const catalog = await fetch(`${server.url}/v2/_catalog`, { headers: bearer(other.secret) });
    expect(await catalog.json()).toEqual({ repositories: [] });
    const { blobs } = kclPackage({ name: 'demo', version: '1.0.0' });
    const from = `mount=${blobs[0]?.descriptor.digest}&from=kcl/demo`;
    const url = `${server.url}/v2/kcl/copy/blobs/uploads/?${from}`;
    const mounted = await fetch(url, { method: 'POST', headers: bearer(right.secret) });
    expect(mounted.status).toBe(201);
    const { token: narrow } = await token(
      basic('ci', right.secret),
      'repository:kcl/copy:pull,push',
    );
    const refused = await fetch(url, { method: 'POST', headers: bearer(narrow) });
    expect(refused.status).toBe(202);
  });
});

test('metrics are for those who may observe', async () => {
  const ask = async (headers: Record<string, string>): Promise<number> =>
    (await fetch(`${server.url}/metrics`, { headers })).status;
  expect([await ask({}), await ask(bearer(other.secret)), await ask(bearer(right.secret))]).toEqual(
    [401, 403, 200],
  );
});

test('among many wrong guesses of one address the right one is not told, and others are unaffected', async () => {
  const statuses: number[] = [];
  for (let guess = 0; guess < 25; guess += 1)
    statuses.push(await manifest(bearer(`oci_${guess}`), '10.0.0.7'));
  expect(statuses.filter((status) => status === 401)).toHaveLength(20);
  const guessing = { 'x-forwarded-for': '10.0.0.7', ...bearer(right.secret) };
  for (const path of ['/v2/kcl/demo/tags/list', '/token', '/api/v1/oci/jobs', '/metrics']) {
    const answer = await fetch(server.url + path, { headers: guessing });
    expect([path, answer.status]).toEqual([path, 429]);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  }
  expect(await manifest(bearer(right.secret), '10.0.0.8')).toBe(200);
  expect(await manifest(bearer('oci_wrong'), '10.0.0.8')).toBe(401);
});

test('a credential that has expired is no guess', async () => {
  const statuses: number[] = [];
  for (let request = 0; request < 25; request += 1)
    statuses.push(await manifest(bearer(expired.secret), '10.0.0.9'));
  expect(new Set(statuses)).toEqual(new Set([401]));
  expect(await manifest(bearer(right.secret), '10.0.0.9')).toBe(200);
});

test('logins, denials, pulls and pushes are in the audit log, secrets are not', async () => {
  await manifest(bearer(right.secret));
  const dir = join(directory.path, 'plain', 'audit');
  const read = () => readFile(join(dir, 'audit.jsonl'), 'utf8');
  await expect
    .poll(async () => (await read()).match(/"event":"pull","result":"ok"/g)?.length)
    .toBeGreaterThan(2);
  const text = await read();
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines).toContainEqual(
    expect.objectContaining({
      event: 'push',
      result: 'ok',
      who: 'token:ci',
      repository: 'kcl/demo',
      reference: '1.0.0',
      digest: expect.stringMatching(/^sha256:/),
      client: '127.0.0.1',
      request_id: expect.any(String),
    }),
  );
  for (const event of ['login', 'denied', 'pull'])
    expect(lines).toContainEqual(expect.objectContaining({ event }));
  expect(lines).toContainEqual(
    expect.objectContaining({
      event: 'denied',
      who: 'token:other',
      repository: 'kcl/demo',
      detail: 'pull',
    }),
  );
  for (const secret of [right.secret, other.secret, 'eyJ']) expect(text).not.toContain(secret);
  expect(await verifyAudit(dir)).toMatchObject({ problems: [] });
});
