import { join } from 'node:path';

import { parseRepositoryName, parseTag } from '@oci/spec-types';
import {
  type RegistryAuth,
  type TestRegistry,
  inChunks,
  kclPackage,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { expect, test } from 'vitest';

import { type CredentialSource, staticCredentials } from '../credentials/credential.js';
import { defaultLimits } from '../transport/bounded-body.js';
import type { Exchange } from '../transport/exchange.js';
import { followRedirects } from '../transport/redirect.js';
import { authorize } from './authorize.js';
import { type Registry, createRegistry } from '../registry.js';
import type { RegistryOptions } from '../registry-options.js';

const user = { username: 'tester', password: 'secret' };
const bearer: RegistryAuth = { bearer: user };
const name = parseRepositoryName('kcl/demo');
const tag = parseTag('1.0.0');

interface Bench extends AsyncDisposable {
  readonly registry: TestRegistry;
  readonly client: Registry;
}

async function bench(auth: RegistryAuth, options: Partial<RegistryOptions> = {}): Promise<Bench> {
  const registry = await startRegistry({ auth });
  registry.putArtifact(name, tag, kclPackage({ name: 'demo', version: '1.0.0' }));
  const credentials = staticCredentials(registry.host, { kind: 'password', ...user });
  const client = createRegistry({
    url: registry.url,
    credentials,
    retry: { delay: async () => {} },
    ...options,
  });
  const close = async (): Promise<void> => {
    await client.close();
    await registry.close();
  };
  return { registry, client, [Symbol.asyncDispose]: close };
}

test('answers a Basic challenge, and the next request at once', async () => {
  await using here = await bench({ basic: user });
  await here.client.repository(name).fetch(tag);
  await here.client.repository(name).fetch(tag);
  expect(here.registry.requests.map(({ status }) => status)).toEqual([401, 200, 200]);
});

test('gets one token for what is asked, and uses it again', async () => {
  await using here = await bench(bearer);
  await here.client.repository(name).fetch(tag);
  await here.client.repository(name).fetch(tag);
  expect(here.registry.tokenRequests).toHaveLength(1);
  expect(here.registry.tokenRequests[0]).toMatchObject({
    method: 'GET',
    service: 'test-registry',
    scopes: ['repository:kcl/demo:pull'],
    anonymous: false,
  });
});

test('gets one token, however many requests wait for it', async () => {
  await using here = await bench(bearer);
  const repository = here.client.repository(name);
  const all = () => Promise.all(Array.from({ length: 10 }, () => repository.fetch(tag)));
  await all();
  expect(here.registry.tokenRequests).toHaveLength(1);
  here.registry.revokeTokens();
  await all();
  expect(here.registry.tokenRequests).toHaveLength(2);
});

test('gets another token when one is no longer accepted, and ends when the new one is not', async () => {
  await using here = await bench(bearer);
  const repository = here.client.repository(name);
  await repository.fetch(tag);
  here.registry.revokeTokens();
  await repository.fetch(tag);
  expect(here.registry.tokenRequests).toHaveLength(2);

  here.registry.fault({
    path: '/manifests/',
    status: 401,
    headers: { 'www-authenticate': `Bearer realm="${here.registry.url}/token",service="s"` },
  });
  here.registry.clearRequests();
  await expect(repository.fetch(tag)).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
  expect(here.registry.requests.filter(({ path }) => path.includes('/manifests/'))).toHaveLength(2);
});

test('pulls as nobody where everybody may, also with no credentials', async () => {
  await using here = await bench(
    { bearer: { ...user, anonymousPull: true } },
    { credentials: async () => undefined },
  );
  await here.client.repository(name).fetch(tag);
  expect(here.registry.tokenRequests).toMatchObject([{ anonymous: true }]);
});

test.each<[string, RegistryAuth]>([
  ['Basic', { basic: user }],
  ['Bearer', bearer],
])('a wrong password for %s is UNAUTHORIZED, and is not repeated here', async (_, auth) => {
  const wrong: CredentialSource = async () => ({ kind: 'password', username: 'x', password: 'y' });
  await using here = await bench(auth, { credentials: wrong });
  await expect(here.client.repository(name).fetch(tag)).rejects.toMatchObject({
    code: 'UNAUTHORIZED',
    hint: expect.any(String),
  });
});

test('uses an identity token by POST', async () => {
  await using here = await bench(
    { bearer: { ...user, refreshToken: 'refresh-me' } },
    { credentials: async () => ({ kind: 'refresh', token: 'refresh-me' }) },
  );
  await here.client.repository(name).fetch(tag);
  expect(here.registry.tokenRequests).toMatchObject([
    { method: 'POST', grantType: 'refresh_token' },
  ]);
});

test('sends an identity token by GET to a server without the POST', async () => {
  await using here = await bench(
    { bearer: { username: '', password: 'refresh-me', post: false } },
    { credentials: async () => ({ kind: 'refresh', token: 'refresh-me' }) },
  );
  await here.client.repository(name).fetch(tag);
  expect(here.registry.tokenRequests).toMatchObject([{ method: 'GET', anonymous: false }]);
});

test.each<[string, RegistryAuth]>([
  ['Basic', { basic: user }],
  ['Bearer', bearer],
])('asks again for a remembered credential that %s refuses', async (_, auth) => {
  const asks: (boolean | undefined)[] = [];
  const credentials: CredentialSource = async (_registry, ask) => {
    asks.push(ask?.fresh);
    return { kind: 'password', ...user, password: ask?.fresh ? user.password : 'old' };
  };
  await using here = await bench(auth, { credentials });
  const repository = here.client.repository(name);
  // Basic is refused only when it was tried: by the second request.
  await repository.fetch(tag).catch(() => {});
  expect(await repository.fetch(tag)).toMatchObject({ kind: 'image' });
  expect(asks).toContain(true);
});

test('a refusal says whose credential it was and where it came from, and not what it is', async () => {
  for (const auth of [{ basic: user }, bearer]) {
    const from = '/home/me/.docker/config.json';
    await using here = await bench(auth, {
      credentials: async () => ({ kind: 'password', username: 'me', password: 'wrong', from }),
    });
    const error: unknown = await here.client
      .repository(name)
      .fetch(tag)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'UNAUTHORIZED',
      message: expect.stringContaining(`me from ${from}`),
    });
    expect(String(error)).not.toContain('wrong');
  }
});

test('a source is asked for the repository, so that its own credential can be found', async () => {
  const asked: unknown[] = [];
  await using here = await bench(bearer, {
    credentials: async (_registry, ask) => {
      asked.push(ask?.repository);
      return { kind: 'password', ...user };
    },
  });
  await here.client.repository(name).fetch(tag);
  expect(asked).toEqual([name]);
});

test('takes the tokens of an earlier process, and not of another identity', async () => {
  await using work = await temporaryDirectory();
  const tokenCacheFile = join(work.path, 'tokens.json');
  await using here = await bench(bearer, { tokenCacheFile });
  await here.client.repository(name).fetch(tag);
  const again = createRegistry({
    url: here.registry.url,
    credentials: staticCredentials(here.registry.host, { kind: 'password', ...user }),
    tokenCacheFile,
  });
  await again.repository(name).fetch(tag);
  expect(here.registry.tokenRequests).toHaveLength(1);
  here.registry.revokeTokens();
  await again.repository(name).fetch(tag);
  expect(here.registry.tokenRequests).toHaveLength(2);
  await again.close();
  const nobody = createRegistry({ url: here.registry.url, tokenCacheFile });
  await expect(nobody.repository(name).fetch(tag)).rejects.toMatchObject({
    code: 'UNAUTHORIZED',
  });
  await nobody.close();
});

test.each(['token', 'access_token', 'both'] as const)(
  'reads the token in %s',
  async (tokenMember) => {
    await using here = await bench({ bearer: { ...user, tokenMember } });
    expect(await here.client.repository(name).fetch(tag)).toMatchObject({ kind: 'image' });
  },
);

test.each([
  ['without a token', {}],
  ['with a token that would break the header', { token: 'a\r\nx: y' }],
  ['that is an array', []],
  ['that is not JSON', 'token'],
])('an answer %s is PROTOCOL, and does not show what came', async (_, body) => {
  await using here = await bench(bearer);
  here.registry.fault({ path: '/token', status: 200, body });
  const fetching = here.client.repository(name).fetch(tag);
  await expect(fetching).rejects.toMatchObject({ code: 'PROTOCOL' });
});

test('reads no more of a token answer than it may (ggcr #2296)', async () => {
  await using here = await bench(bearer);
  here.registry.fault({ path: '/token', status: 200, body: '{"token":"', endless: true });
  const fetching = here.client.repository(name).fetch(tag);
  await expect(fetching).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
});

test('sends no credentials where a redirect leads, whatever is challenged there (GHSA-vh4v-2xq2-g5cg)', async () => {
  await using here = await bench({ basic: user });
  await using elsewhere = await startRegistry({ auth: bearer });
  const repository = here.client.repository(name);
  const manifest = await repository.fetch(tag);
  const layer = manifest.kind === 'image' ? manifest.document.layers[0] : undefined;
  if (!layer) throw new Error('the package has a layer');
  here.registry.fault({ path: '/blobs/', redirect: (path) => `${elsewhere.url}${path}` });
  await expect(repository.fetchBlob(layer)).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
  expect(elsewhere.requests).toHaveLength(1);
  expect(elsewhere.requests[0]?.headers).not.toHaveProperty('authorization');
  expect(elsewhere.tokenRequests).toEqual([]);
});

test('sends no credentials to a token server of another domain (CVE-2026-33540)', async () => {
  const origin = new URL('https://registry.example.com');
  const sent: string[] = [];
  const challenged: Exchange = async (request) => {
    sent.push(request.url.host);
    const headers = { 'www-authenticate': 'Bearer realm="https://tokens.evil.example/token"' };
    const body = Object.assign(inChunks(new Uint8Array(), 1), {
      dump: async () => {},
      destroy: () => {},
    });
    return { status: 401, headers, body, url: request.url, attempts: 1 };
  };
  const exchange = authorize(challenged, challenged, {
    origin,
    registry: origin.host,
    credentials: staticCredentials(origin.host, { kind: 'password', ...user }),
    trustedRealms: [],
    limits: defaultLimits,
  });
  const request = { method: 'GET', url: origin, headers: {}, scopes: [] } as const;
  await expect(exchange(request)).rejects.toMatchObject({
    code: 'POLICY_REFUSED',
    hint: expect.stringContaining("trustedRealms: ['tokens.evil.example']"),
  });
  expect(sent).toEqual([origin.host]);
});

test('sends no identity token to a token server of another domain (CVE-2026-48978)', async () => {
  await using elsewhere = await startRegistry({ auth: bearer });
  const realm = `http://localhost:${new URL(elsewhere.url).port}/token`;
  await using here = await bench(bearer, {
    credentials: async () => ({ kind: 'refresh', token: 'refresh-me' }),
  });
  const headers = { 'www-authenticate': `Bearer realm="${realm}",service="s"` };
  here.registry.fault({ path: '/v2/', status: 401, headers });
  const error: unknown = await here.client
    .repository(name)
    .fetch(tag)
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'POLICY_REFUSED' });
  expect(String(error)).not.toContain('refresh-me');
  expect(elsewhere.requests).toEqual([]);
});

test('a token server that redirects into our own network is not followed (ggcr #2292)', async () => {
  const origin = new URL('https://8.8.8.5');
  const sent: string[] = [];
  const network: Exchange = async (request) => {
    sent.push(request.url.href);
    const body = Object.assign(inChunks(new Uint8Array(), 1), {
      dump: async () => {},
      destroy: () => {},
    });
    const isToken = request.url.pathname === '/token';
    return {
      status: isToken ? 302 : 401,
      headers: isToken
        ? { location: 'https://169.254.169.254/latest/meta-data' }
        : { 'www-authenticate': `Bearer realm="${origin.origin}/token"` },
      body,
      url: request.url,
      attempts: 1,
    };
  };
  const followed = followRedirects(network);
  const exchange = authorize(followed, followed, {
    origin,
    registry: origin.host,
    credentials: staticCredentials(origin.host, { kind: 'password', ...user }),
    trustedRealms: [],
    limits: defaultLimits,
  });
  const request = { method: 'GET', url: origin, headers: {}, scopes: [] } as const;
  await expect(exchange(request)).rejects.toMatchObject({ code: 'POLICY_REFUSED' });
  expect(sent).toEqual([`${origin.origin}/`, `${origin.origin}/token`]);
});

test('asks before credentials go to a token server elsewhere (CVE-2026-33540)', async () => {
  await using elsewhere = await startRegistry({ auth: bearer });
  const realm = `http://localhost:${new URL(elsewhere.url).port}/token`;
  const challenge = { 'www-authenticate': `Bearer realm="${realm}",service="test-registry"` };
  await using here = await bench(bearer);
  here.registry.fault({ path: '/v2/', status: 401, headers: challenge });
  await expect(here.client.repository(name).fetch(tag)).rejects.toMatchObject({
    code: 'POLICY_REFUSED',
  });
  expect(elsewhere.requests).toEqual([]);
});

test.each(['not a url', 'https://', 'javascript:alert(1)'])(
  'a token server called %j is refused',
  async (realm) => {
    await using here = await bench(bearer);
    const headers = { 'www-authenticate': `Bearer realm="${realm}"` };
    here.registry.fault({ path: '/v2/', status: 401, headers });
    await expect(here.client.repository(name).fetch(tag)).rejects.toMatchObject({
      code: expect.stringMatching(/^(PROTOCOL|POLICY_REFUSED)$/),
    });
  },
);

test('a password in the address of a token server is not sent', async () => {
  await using here = await bench(
    { bearer: { ...user, anonymousPull: true } },
    { credentials: async () => undefined },
  );
  const realm = here.registry.url.replace('http://', 'http://tester:secret@');
  const headers = { 'www-authenticate': `Bearer realm="${realm}/token"` };
  here.registry.fault({ path: '/v2/', status: 401, headers, times: 1 });
  await here.client.repository(name).fetch(tag);
  expect(here.registry.tokenRequests).toMatchObject([{ anonymous: true }]);
});

test('no error of a refused login shows the password or a token', async () => {
  await using here = await bench(bearer);
  here.registry.fault({
    path: '/token',
    status: 403,
    body: { errors: [{ code: 'DENIED', message: 'no', detail: { password: 'secret' } }] },
  });
  const error: unknown = await here.client
    .repository(name)
    .fetch(tag)
    .catch((thrown: unknown) => thrown);
  expect(JSON.stringify([error, String(error)])).not.toContain('secret');
});

test('an abort does not wait for a helper or a token server, and others get their token', async () => {
  const controller = new AbortController();
  let asked = 0;
  let answer = (): void => {};
  const answered = new Promise<void>((resolve) => (answer = resolve));
  const credentials: CredentialSource = async () => {
    asked += 1;
    if (asked === 2) controller.abort();
    await answered;
    return { kind: 'password', ...user };
  };
  await using here = await bench(bearer, { credentials });
  const repository = here.client.repository(name);
  const patient = repository.fetch(tag);
  const impatient = repository.fetch(tag, { signal: controller.signal });
  await expect(impatient).rejects.toMatchObject({ code: 'ABORTED' });
  answer();
  await patient;
  expect(here.registry.tokenRequests).toHaveLength(1);
});

test('a token server that is down is asked as often as any host, and not for each attempt anew', async () => {
  await using here = await bench(bearer);
  here.registry.fault({ path: '/token', status: 503 });
  await expect(here.client.repository(name).fetch(tag)).rejects.toMatchObject({
    code: 'REGISTRY_UNAVAILABLE',
    request: { attempts: 5 },
  });
  const asked = here.registry.requests.filter(({ path }) => path.startsWith('/token'));
  expect(asked).toHaveLength(5);
});
