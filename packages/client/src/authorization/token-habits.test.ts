import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import {
  OciError,
  type TransferEvent,
  mediaTypes,
  parseRepositoryName,
  parseTag,
} from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import { inChunks, startRegistry } from '@oci/testing';
import { expect, test } from 'vitest';

import { type HelperFailurePolicy, staticCredentials } from '../credentials/credential.js';
import { defaultLimits } from '../transport/bounded-body.js';
import type { Exchange } from '../transport/exchange.js';
import { authorize } from './authorize.js';
import type { Token } from './token.js';
import type { TokenStore } from './token-file.js';
import { type Registry, createRegistry } from '../registry.js';
import type { RegistryOptions } from '../registry-options.js';

const name = parseRepositoryName('lib/app');
const tag = parseTag('1');
const manifest = Buffer.from(
  JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.imageManifest, layers: [] }),
);

interface Habits extends AsyncDisposable {
  readonly client: Registry;
  readonly host: string;
  readonly seen: readonly string[];
  readonly scopes: readonly (readonly string[])[];
}

/** A registry of one manifest; `answer` says what it answers otherwise, and returns false to serve. */
async function registryThat(
  answer: (ask: {
    request: IncomingMessage;
    response: ServerResponse;
    url: URL;
    challenge: (parameters: string) => true;
    refuse: (status: number) => true;
    token: (document: object) => true;
  }) => boolean,
  options: Partial<RegistryOptions> = {},
): Promise<Habits> {
  const seen: string[] = [];
  const scopes: string[][] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://registry');
    const end = (status: number, headers: Record<string, string> = {}, body = ''): true => {
      request.resume().once('end', () => response.writeHead(status, headers).end(body));
      return true;
    };
    if (url.pathname === '/token') scopes.push(url.searchParams.getAll('scope'));
    seen.push(`${request.method ?? ''} ${url.pathname} ${request.headers.authorization ?? '-'}`);
    const isAnswered = answer({
      request,
      response,
      url,
      challenge: (parameters) =>
        end(401, {
          'www-authenticate': `Bearer realm="http://${request.headers.host ?? ''}/token",${parameters}`,
        }),
      refuse: (status) => end(status, {}, '{"errors":[{"code":"DENIED"}]}'),
      token: (document) => end(200, {}, JSON.stringify(document)),
    });
    if (isAnswered) return;
    if (url.pathname.includes('/manifests/') && request.method !== 'PUT') {
      response.writeHead(200, { 'content-type': mediaTypes.imageManifest }).end(manifest);
    } else if (request.method === 'POST') end(202, { location: '/v2/lib/app/blobs/uploads/1' });
    else if (request.method === 'PUT') end(201);
    else end(404);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = createRegistry({
    url: `http://${host}`,
    credentials: staticCredentials(host, { kind: 'password', username: 'me', password: 'pw' }),
    retry: { delay: async () => {} },
    ...options,
  });
  return {
    client,
    host,
    seen,
    scopes,
    [Symbol.asyncDispose]: async () => {
      await client.close();
      server.closeAllConnections();
      server.close();
    },
  };
}

test.each([
  { token: 'good', access_token: '' },
  { token: '', access_token: 'good' },
  { token: 'good', access_token: null },
])('takes the token of %j (rules_oci #801)', async (document) => {
  await using here = await registryThat(({ url, request, challenge, token }) => {
    if (url.pathname === '/token') return token(document);
    return request.headers.authorization === 'Bearer good' ? false : challenge('service="x"');
  });
  expect((await here.client.repository(name).fetch(tag)).bytes).toEqual(manifest);
});

test.each([400, 403])(
  'a kept token that is answered with %d is replaced once (containers-roadmap #2835)',
  async (status) => {
    let good = 0;
    await using here = await registryThat(({ url, request, challenge, token, refuse }) => {
      if (url.pathname === '/token') return token({ token: `t${(good += 1)}`, expires_in: 43_200 });
      if (!request.headers.authorization) return challenge('service="x",scope="aws"');
      return request.headers.authorization === `Bearer t${good}` ? false : refuse(status);
    });
    const repository = here.client.repository(name);
    for (let round = 1; round <= 3; round += 1) {
      expect((await repository.fetch(tag)).bytes).toEqual(manifest);
      good += 1;
    }
    expect(here.scopes).toEqual(
      Array.from({ length: 3 }, () => ['aws', 'repository:lib/app:pull']),
    );
  },
);

test.each([400, 403])(
  'so is one of an earlier process, behind a challenge, that is answered with %d',
  async (status) => {
    const kept = new Map<string, Token>();
    const tokenStore: TokenStore = {
      get: async ({ purpose }) => kept.get(purpose) ?? { value: 'dead', expiresAt: Infinity },
      put: async ({ purpose }, token) => void kept.set(purpose, token),
    };
    const statuses: (string | undefined)[] = [];
    const answers: Record<string, number> = { '-': 401, 'Bearer dead': status, 'Bearer new': 200 };
    const exchange: Exchange = async ({ url, headers }) => {
      statuses.push(headers['authorization']);
      return {
        status: answers[headers['authorization'] ?? '-'] ?? 500,
        headers: { 'www-authenticate': 'Bearer realm="http://127.0.0.1/token"' },
        body: { async *[Symbol.asyncIterator]() {}, dump: async () => {}, destroy: () => {} },
        url,
        attempts: 1,
      };
    };
    const tokens: Exchange = async (request) => ({
      ...(await exchange(request)),
      status: 200,
      body: {
        async *[Symbol.asyncIterator]() {
          yield Buffer.from('{"token":"new"}');
        },
        dump: async () => {},
        destroy: () => {},
      },
    });
    const origin = new URL('http://127.0.0.1');
    const authorized = authorize(exchange, tokens, {
      origin,
      registry: '127.0.0.1',
      credentials: async () => undefined,
      trustedRealms: [],
      limits: defaultLimits,
      tokenStore,
    });
    const request = {
      method: 'GET',
      url: new URL('/v2/', origin),
      headers: {},
      scopes: [],
    } as const;
    expect((await authorized(request)).status).toBe(200);
    expect(statuses.filter((sent) => sent !== undefined)).toEqual(['Bearer dead', 'Bearer new']);
  },
);

test('a token that replaced another is replaced in its turn, also when all it got was 404', async () => {
  let good = 1;
  await using here = await registryThat(({ url, request, challenge, token, refuse }) => {
    if (url.pathname === '/token') return token({ token: `t${good}`, expires_in: 43_200 });
    if (!request.headers.authorization) return challenge('service="x"');
    return request.headers.authorization === `Bearer t${good}` ? false : refuse(403);
  });
  const blob = { mediaType: 'a/b', digest: digestOf(manifest), size: 1 };
  const repository = here.client.repository(name);
  for (; good <= 3; good += 1)
    await expect(repository.fetchBlob(blob)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
});

test('who may not read is asked about once more and not for each request', async () => {
  let count = 0;
  await using here = await registryThat(({ url, request, challenge, token, refuse }) => {
    if (url.pathname === '/token') return token({ token: `t${(count += 1)}` });
    return request.headers.authorization ? refuse(403) : challenge('service="x"');
  });
  const repository = here.client.repository(name);
  for (let round = 0; round < 5; round += 1) {
    await expect(repository.fetch(tag)).rejects.toMatchObject({ code: 'DENIED' });
  }
  expect(here.scopes).toHaveLength(2);
});

test('scopes that are no resource go as they came (gitea #36907)', async () => {
  await using here = await registryThat(({ url, request, challenge, token }) => {
    if (url.pathname === '/token') return token({ token: 'good' });
    return request.headers.authorization ? false : challenge('service="x",scope="* aws a:b"');
  });
  await here.client.repository(name).fetch(tag);
  expect(here.scopes).toEqual([['*', 'a:b', 'aws', 'repository:lib/app:pull']]);
});

test('all requests of a push ask for the rights of one, also the first question', async () => {
  await using here = await registryThat(({ url, request, challenge, token }) => {
    if (url.pathname === '/token') return token({ token: url.searchParams.get('scope') });
    const mayPush = (request.headers.authorization ?? '').includes('pull,push');
    // Quay has no word but 401 for a repository that is not there yet.
    return mayPush ? false : challenge('service="x",scope="repository:lib/app:pull"');
  });
  const repository = here.client.repository(name);
  const bytes = Buffer.from('content');
  const descriptor = { mediaType: 'a/b', digest: digestOf(bytes), size: bytes.byteLength };
  await repository.pushBlob(descriptor, inChunks(bytes));
  await repository.resolve(tag, { forPush: true });
  expect(here.scopes).toEqual([['repository:lib/app:pull,push']]);
});

const broken = new OciError('UNAUTHORIZED', 'the credential helper cannot be run', {
  hint: 'Install it.',
});

test('a read fails with the helper where the options say so', async () => {
  const decided: string[] = [];
  const policies: HelperFailurePolicy[] = [
    'fail',
    ({ message }) => (decided.push(message) > 1 ? 'anonymous' : 'fail'),
  ];
  for (const onHelperFailure of policies) {
    await using here = await registryThat(
      ({ url, request, challenge, token }) => {
        if (url.pathname === '/token') return token({ token: 'anonymous' });
        return request.headers.authorization ? false : challenge('service="x"');
      },
      { onHelperFailure, credentials: () => Promise.reject(broken) },
    );
    const repository = here.client.repository(name);
    await expect(repository.fetch(tag)).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
      message: broken.message,
    });
    if (onHelperFailure === 'fail') continue;
    await repository.fetch(tag);
    expect(decided).toEqual([broken.message, broken.message]);
  }
});

test('without the helper what is public is read, with a warning, and a push fails clearly', async () => {
  let asked = 0;
  await using here = await registryThat(
    ({ url, request, challenge, token }) => {
      if (url.pathname === '/token') return token({ token: 'anonymous' });
      return request.headers.authorization ? false : challenge('service="x"');
    },
    {
      credentials: async () => {
        asked += 1;
        throw broken;
      },
    },
  );
  const repository = here.client.repository(name);
  const events: TransferEvent[] = [];
  const onEvent = (event: TransferEvent): void => void events.push(event);
  await repository.fetch(tag, { onEvent });
  await repository.fetch(tag, { onEvent });
  const warning = `${broken.message}: ${here.host} is asked without a credential`;
  expect(events).toEqual([{ type: 'warning', message: warning }]);
  expect(asked).toBe(1);
  await expect(repository.resolve(tag, { forPush: true })).rejects.toMatchObject({
    code: 'UNAUTHORIZED',
    message: broken.message,
  });
});

test.each([401, 403])(
  'a refusal of %d names the helper that could not be asked',
  async (status) => {
    await using here = await registryThat(
      ({ url, request, challenge, token, refuse }) => {
        if (url.pathname === '/token') return status === 401 ? refuse(401) : token({ token: 'x' });
        return request.headers.authorization ? refuse(403) : challenge('service="x"');
      },
      {
        credentials: async () => {
          throw broken;
        },
      },
    );
    await expect(here.client.repository(name).fetch(tag)).rejects.toMatchObject({
      message: expect.stringContaining(broken.message) as string,
      hint: broken.hint,
    });
  },
);

test.each([
  ['nothing is set, for the registry is internal itself', []],
  ['it is trusted', ['realm']],
] as const)('an internal token server is asked when %s (oras-go #1246)', async (_, trusted) => {
  await using tokens = await registryThat(({ token }) => token({ token: 'good' }));
  const realm = tokens.host.replace('127.0.0.1', 'localhost');
  await using here = await registryThat(({ request, response }) => {
    if (request.headers.authorization === 'Bearer good') return false;
    const header = `Bearer realm="http://${realm}/token",service="x"`;
    response.writeHead(401, { 'www-authenticate': header }).end();
    return true;
  });
  const credentials = staticCredentials(here.host, {
    kind: 'password',
    username: 'me',
    password: 'pw',
  });
  const client = createRegistry({
    url: `http://${here.host}`,
    ...(trusted.length > 0 && { credentials, trustedRealms: [realm] }),
  });
  expect((await client.repository(name).fetch(tag)).bytes).toEqual(manifest);
  await client.close();
});

test('a token server that refuses a password names the credential, and no token', async () => {
  await using registry = await startRegistry({
    auth: { bearer: { username: 'ci', password: 'right' } },
  });
  const wrong = { kind: 'password', username: 'ci', password: 'wrong' } as const;
  const client = createRegistry({
    url: registry.url,
    credentials: staticCredentials(registry.host, wrong),
  });
  await expect(client.ping()).rejects.toMatchObject({
    code: 'UNAUTHORIZED',
    message: `${registry.host} does not accept the credential of ci (401)`,
  });
  await client.close();
});

test('a registry that needs a login says so', async () => {
  await using here = await registryThat(({ refuse }) => refuse(401));
  await expect(here.client.repository(name).fetch(tag)).rejects.toMatchObject({
    message: expect.stringContaining('lib/app:1 needs a login') as string,
    reason: { kind: 'login-missing', host: here.host },
  });
});
