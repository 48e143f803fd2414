import { createRegistry } from '@oci/client';
import { parseRepositoryName } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import { inChunks, randomBytes, temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import { createAccessToken } from '../access/access-token.js';
import { startServer } from '../server.js';

const ci = createAccessToken();
const bytes = randomBytes(81, 1000);
const blob = { mediaType: 'a/b', digest: digestOf(bytes), size: bytes.byteLength };
const authorization = `Basic ${Buffer.from(`ci:${ci.secret}`).toString('base64')}`;

/** A server where everybody may pull from `public`, `ci` may do all, and both have a blob. */
async function start() {
  const directory = await temporaryDirectory();
  const server = await startServer({
    listen: { host: '127.0.0.1', port: 0 },
    dataDir: directory.path,
    manager: { namespace: 'extensions', cacheDir: `${directory.path}/cache` },
    access: {
      tokens: [{ name: 'ci', hash: ci.hash }],
      rules: [
        { who: ['token:ci'], namespaces: ['*'], actions: ['list', 'pull', 'push'] },
        { who: ['anyone'], namespaces: ['public'], actions: ['pull'] },
      ],
    },
  });
  const credentials = async () =>
    ({ kind: 'password', username: 'ci', password: ci.secret }) as const;
  const registry = createRegistry({ url: server.url, credentials });
  for (const name of ['public/a', 'private/a'])
    await registry.repository(parseRepositoryName(name)).pushBlob(blob, inChunks(bytes, 100));
  await registry.close();
  const ask = (path: string, options: RequestInit = {}) => fetch(`${server.url}${path}`, options);
  const token = async (...scopes: string[]) => {
    const query = scopes.map((scope) => `scope=repository:${scope}`).join('&');
    const answer = await ask(`/token?${query}`, { headers: { authorization } });
    return `Bearer ${((await answer.json()) as { token: string }).token}`;
  };
  const close = async (): Promise<void> => {
    await server.close();
    await directory.remove();
  };
  return { ask, token, [Symbol.asyncDispose]: close };
}

test('content that not everybody may pull stays out of shared caches', async () => {
  await using server = await start();
  const read = async (name: string) => {
    const headers = { authorization };
    const answer = await server.ask(`/v2/${name}/blobs/${blob.digest}`, { headers });
    return [answer.status, answer.headers.get('cache-control'), answer.headers.get('vary')];
  };
  expect(await read('private/a')).toEqual([200, 'private, no-cache', 'authorization']);
  expect(await read('public/a')).toEqual([200, 'public, max-age=31536000, immutable', null]);
});

test.each([
  `/v2/private/a/blobs/${blob.digest}`,
  '/v2/private/a/tags/list',
  '/v2/_catalog',
  '/metrics',
])('no cache keeps the refusal of %s', async (path) => {
  await using server = await start();
  const answer = await server.ask(path);
  expect([answer.status, answer.headers.get('cache-control')]).toEqual([401, 'no-store']);
});

const mount = `/v2/private/b/blobs/uploads/?mount=${blob.digest}&from=private/a`;

test('the challenge of a mount names both repositories', async () => {
  await using server = await start();
  const scope = 'scope="repository:private/b:pull,push repository:private/a:pull"';
  const anonymous = await server.ask(mount, { method: 'POST' });
  expect(anonymous.status).toBe(401);
  expect(anonymous.headers.get('www-authenticate')).toContain(scope);
  const short = await server.ask(mount, {
    method: 'POST',
    headers: { authorization: await server.token('private/b:pull') },
  });
  expect(short.headers.get('www-authenticate')).toContain(`${scope},error="insufficient_scope"`);
  const both = await server.token('private/b:pull,push', 'private/a:pull');
  const mounted = await server.ask(mount, { method: 'POST', headers: { authorization: both } });
  expect(mounted.status).toBe(201);
});

test('a mount without from takes nothing from where the caller may not pull', async () => {
  await using server = await start();
  const path = `/v2/private/b/blobs/uploads/?mount=${blob.digest}`;
  const status = async (...scopes: string[]) => {
    const headers = { authorization: await server.token('private/b:pull,push', ...scopes) };
    return (await server.ask(path, { method: 'POST', headers })).status;
  };
  expect(await status()).toBe(202);
  expect(await status('private/a:pull')).toBe(201);
});
