import { get } from 'node:https';

import { describe, expect, test } from 'vitest';

import { image } from '../artifact/image.js';
import { describePeer } from '../contracts/index.js';
import { type TestRegistry, startRegistry } from './test-registry.js';

const user = { username: 'tester', password: 'secret' };
const basic = { authorization: `Basic ${Buffer.from('tester:secret').toString('base64')}` };
const manifest = '/v2/team/app/manifests/latest';

async function tokenFrom(
  registry: TestRegistry,
  query: string,
  headers?: Record<string, string>,
): Promise<string> {
  const response = await fetch(
    `${registry.url}/token?service=test-registry&${query}`,
    headers ? { headers } : {},
  );
  return ((await response.json()) as { token: string }).token;
}

const status = async (registry: TestRegistry, token: string, method = 'GET'): Promise<number> =>
  (
    await fetch(`${registry.url}${manifest}`, {
      method,
      headers: { authorization: `Bearer ${token}` },
    })
  ).status;

test('basic auth wants the user and the password', async () => {
  await using registry = await startRegistry({ auth: { basic: user } });
  const refused = await fetch(`${registry.url}/v2/`);
  expect(refused.status).toBe(401);
  expect(refused.headers.get('www-authenticate')).toBe('Basic realm="test registry"');
  expect((await fetch(`${registry.url}/v2/`, { headers: basic })).status).toBe(200);
  const wrong = { authorization: `Basic ${Buffer.from('tester:wrong').toString('base64')}` };
  expect((await fetch(`${registry.url}/v2/`, { headers: wrong })).status).toBe(401);
});

describe('bearer auth', () => {
  test('says which token it wants, and takes it', async () => {
    await using registry = await startRegistry({ auth: { bearer: user } });
    registry.putArtifact('team/app', 'latest', image());
    const challenge = (await fetch(`${registry.url}${manifest}`)).headers.get('www-authenticate');
    expect(challenge).toBe(
      `Bearer realm="${registry.url}/token",service="test-registry",scope="repository:team/app:pull"`,
    );
    const token = await tokenFrom(registry, 'scope=repository:team/app:pull', basic);
    expect(await status(registry, token)).toBe(200);
    expect(registry.tokenRequests).toMatchObject([
      {
        method: 'GET',
        scopes: ['repository:team/app:pull'],
        granted: ['repository:team/app:pull'],
      },
    ]);
  });

  test('refuses a token of another scope, an unknown and a revoked one', async () => {
    await using registry = await startRegistry({ auth: { bearer: user } });
    registry.putArtifact('team/app', 'latest', image());
    const token = await tokenFrom(registry, 'scope=repository:team/app:pull', basic);
    expect(await status(registry, token, 'DELETE')).toBe(401);
    expect(
      await status(registry, await tokenFrom(registry, 'scope=repository:other:pull', basic)),
    ).toBe(401);
    expect(await status(registry, 'unknown')).toBe(401);
    registry.revokeTokens();
    expect(await status(registry, token)).toBe(401);
  });

  test('wants both scopes for a mount, and one of its own for the catalog', async () => {
    await using registry = await startRegistry({ auth: { bearer: user } });
    const challenge = async (path: string, method: string): Promise<string | null> =>
      (await fetch(`${registry.url}${path}`, { method })).headers.get('www-authenticate');
    const mount = `/v2/team/app/blobs/uploads/?mount=sha256:${'0'.repeat(64)}&from=base`;
    expect(await challenge(mount, 'POST')).toContain(
      'scope="repository:team/app:pull,push repository:base:pull"',
    );
    expect(await challenge('/v2/_catalog', 'GET')).toContain('scope="registry:catalog:*"');
    expect(await challenge('/v2/', 'GET')).not.toContain('scope=');
  });

  test('grants pulls to everyone when asked to, and no more', async () => {
    await using registry = await startRegistry({
      auth: { bearer: { ...user, anonymousPull: true } },
    });
    registry.putArtifact('team/app', 'latest', image());
    const token = await tokenFrom(registry, 'scope=repository:team/app:pull,push');
    expect(await status(registry, token)).toBe(200);
    expect(await status(registry, token, 'PUT')).toBe(401);
    expect(registry.tokenRequests).toMatchObject([
      { anonymous: true, granted: ['repository:team/app:pull'] },
    ]);
  });

  test('refuses the wrong password', async () => {
    await using registry = await startRegistry({
      auth: { bearer: { ...user, password: 'other' } },
    });
    expect((await fetch(`${registry.url}/token`, { headers: basic })).status).toBe(401);
    expect(registry.tokenRequests).toMatchObject([{ granted: undefined }]);
  });

  test('gives tokens for passwords and refresh tokens by POST', async () => {
    await using registry = await startRegistry({
      auth: { bearer: { ...user, refreshToken: 'again' } },
    });
    const post = async (form: Record<string, string>): Promise<Response> =>
      fetch(`${registry.url}/token`, {
        method: 'POST',
        body: new URLSearchParams({
          service: 'test-registry',
          client_id: 'x',
          scope: 'repository:a:pull repository:b:push',
          ...form,
        }),
      });
    const granted = await post({ grant_type: 'password', ...user, access_type: 'offline' });
    expect(await granted.json()).toMatchObject({
      access_token: expect.any(String) as string,
      refresh_token: 'again',
      scope: 'repository:a:pull repository:b:push',
    });
    expect((await post({ grant_type: 'refresh_token', refresh_token: 'again' })).status).toBe(200);
    expect((await post({ grant_type: 'refresh_token', refresh_token: 'wrong' })).status).toBe(401);
    await using old = await startRegistry({ auth: { bearer: { ...user, post: false } } });
    expect((await fetch(`${old.url}/token`, { method: 'POST' })).status).toBe(404);
  });
});

describePeer('openssl', 'a registry with TLS', () => {
  test('is trusted by its certificate only', async () => {
    await using registry = await startRegistry({ tls: true });
    expect(registry.url).toMatch(/^https:/);
    const { ca } = registry;
    const answered = await new Promise<number | undefined>((resolve, reject) => {
      get(`${registry.url}/v2/`, ca === undefined ? {} : { ca }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).on('error', reject);
    });
    expect(answered).toBe(200);
    await expect(fetch(`${registry.url}/v2/`)).rejects.toThrow('fetch failed');
  });
});
