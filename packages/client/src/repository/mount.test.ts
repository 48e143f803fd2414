import { type Descriptor, type RepositoryName, parseRepositoryName } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import { type Fault, type TestRegistry, inChunks, randomBytes, startRegistry } from '@oci/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { staticCredentials } from '../credentials/credential.js';
import { type Registry, createRegistry } from '../registry.js';

const [name, from] = [parseRepositoryName('a/b'), parseRepositoryName('c/d')];
const bytes = randomBytes(220, 50_000);
const blob: Descriptor = { mediaType: 'a/b', digest: digestOf(bytes), size: bytes.byteLength };

let registry: TestRegistry;
let client: Registry;

beforeEach(async () => {
  registry = await startRegistry();
  client = createRegistry({ url: registry.url, retry: { delay: async () => {} } });
});
afterEach(async () => {
  await client.close();
  await registry.close();
});

const has = (): boolean => registry.repositories.get(name)?.blobs.has(blob.digest) ?? false;
const sent = (): string[] => registry.requests.map(({ method }) => method);
const push = (mount: RepositoryName | true): Promise<void> =>
  client.repository(name).pushBlob(blob, inChunks(bytes, 9000), { mount });

test.each([
  ['a repository that is named', from],
  ['any repository (anonymous mount)', true],
] as const)('a push takes the blob from %s', async (_, mount) => {
  registry.putBlob(from, bytes);
  await push(mount);
  expect(has()).toBe(true);
  expect(sent()).toEqual(['HEAD', 'POST']);
  const { query } = registry.requests[1] ?? {};
  expect(query?.get('mount')).toBe(blob.digest);
  expect(query?.get('from')).toBe(mount === true ? null : from);
});

test.each([from, true] as const)(
  'a push goes on in the upload that the registry begins where it can not mount from %s',
  async (mount) => {
    await push(mount);
    expect(has()).toBe(true);
    expect(sent()).toEqual(['HEAD', 'POST', 'PUT']);
    expect(registry.openUploads).toBe(0);
  },
);

test.each<[string, Partial<Fault>]>([
  ['400', { status: 400 }],
  ['401', { status: 401 }],
  ['403', { status: 403 }],
  ['404', { status: 404 }],
  ['405', { status: 405 }],
])('a push uploads where a mount is answered with %s', async (_, fault) => {
  registry.putBlob(from, bytes);
  registry.fault({ method: 'POST', path: /mount=/, ...fault });
  await push(from);
  expect(has()).toBe(true);
});

test('a mount that is asked to wait is asked for again', async () => {
  registry.putBlob(from, bytes);
  registry.fault({
    method: 'POST',
    path: /mount=/,
    status: 429,
    headers: { 'retry-after': '1' },
    times: 1,
  });
  await push(from);
  expect(sent()).toEqual(['HEAD', 'POST', 'POST']);
});

test('a registry that is down fails the push', async () => {
  registry.fault({ method: 'POST', path: /mount=/, status: 500 });
  await expect(push(from)).rejects.toMatchObject({ code: 'REGISTRY_UNAVAILABLE' });
});

test('a mount alone leaves no upload open where it is not possible', async () => {
  expect(await client.repository(name).mountBlob(blob, from)).toBe(false);
  expect(sent()).toEqual(['POST', 'DELETE']);
  expect(registry.openUploads).toBe(0);
});

test('asks for the right to read where it mounts from', async () => {
  const user = { username: 'tester', password: 'secret' };
  await using guarded = await startRegistry({ auth: { bearer: user } });
  guarded.putBlob(from, bytes);
  const credentials = staticCredentials(guarded.host, { kind: 'password', ...user });
  const here = createRegistry({ url: guarded.url, credentials });
  expect(await here.repository(name).mountBlob(blob, from)).toBe(true);
  const scopes = guarded.tokenRequests.flatMap((request) => request.scopes);
  expect(scopes).toContain(`repository:${from}:pull`);
  expect(scopes).toContain(`repository:${name}:pull,push`);
  await here.close();
});
