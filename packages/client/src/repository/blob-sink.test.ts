import { type Descriptor, parseDigest, parseRepositoryName } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import { type Fault, inChunks, randomBytes, startRegistry } from '@oci/testing';
import { expect, test } from 'vitest';

import { staticCredentials } from '../credentials/credential.js';
import { createRegistry } from '../registry.js';

const bytes = randomBytes(21, 200_000);
const blob: Descriptor = {
  mediaType: 'application/octet-stream',
  digest: digestOf(bytes),
  size: bytes.byteLength,
};
const name = parseRepositoryName('a/b');
const retry = { delay: async () => {} };

const body = () => inChunks(bytes, 10_000);

test('uploads once, and not again what is there', async () => {
  await using registry = await startRegistry();
  const client = createRegistry({ url: registry.url, retry });
  const repository = client.repository(name);
  await repository.pushBlob(blob, body());
  await repository.pushBlob(blob, body());
  expect(registry.requests.map(({ method, status }) => [method, status])).toEqual([
    ['HEAD', 404],
    ['POST', 202],
    ['PUT', 201],
    ['HEAD', 200],
  ]);
  expect(registry.requests[2]?.headers).toMatchObject({
    'content-length': '200000',
    'content-type': 'application/octet-stream',
  });
  expect(registry.repositories.get(name)?.blobs.has(blob.digest)).toBe(true);
  await client.close();
});

test.each<[string, () => AsyncIterable<Uint8Array>, string]>([
  [
    'are not what they are said to be',
    () => inChunks(randomBytes(22, 200_000), 10_000),
    'DIGEST_MISMATCH',
  ],
  ['are too few', () => inChunks(bytes.subarray(1), 10_000), 'SIZE_MISMATCH'],
  ['are too many', () => inChunks(Buffer.concat([bytes, bytes]), 10_000), 'SIZE_MISMATCH'],
  ['can not be read to the end', failing, 'INTERNAL'],
])('bytes that %s fail the push, and nothing wrong is stored', async (_, wrong, code) => {
  await using registry = await startRegistry();
  const client = createRegistry({ url: registry.url, retry });
  const push = client.repository(name).pushBlob(blob, wrong());
  await expect(push).rejects.toMatchObject({ code });
  for (const [digest, stored] of registry.repositories.get(name)?.blobs ?? []) {
    expect(digestOf(stored)).toBe(digest);
  }
  expect(registry.openUploads).toBe(0);
  await client.close();
});

async function* failing(): AsyncGenerator<Uint8Array> {
  yield bytes.subarray(0, 1000);
  throw new Error('the source broke');
}

test('content whose digest nobody here can compute is not sent', async () => {
  await using registry = await startRegistry();
  const client = createRegistry({ url: registry.url, retry });
  const digest = parseDigest(`blake3:${'0'.repeat(64)}`);
  await expect(client.repository(name).pushBlob({ ...blob, digest }, body())).rejects.toMatchObject(
    {
      code: 'DIGEST_UNSUPPORTED',
    },
  );
  expect(registry.requests).toEqual([]);
  await client.close();
});

test.each<[string, Fault, string]>([
  ['opens no upload', { method: 'POST', path: '/uploads/', status: 403 }, 'DENIED'],
  [
    'forgets where the upload is',
    { method: 'POST', path: '/uploads/', omitHeaders: ['location'] },
    'PROTOCOL',
  ],
  ['refuses the bytes', { method: 'PUT', path: '/uploads/', status: 400 }, 'PROTOCOL'],
  [
    'breaks the connection',
    { method: 'PUT', path: '/uploads/', destroyAfterRequestBytes: 1000 },
    'NETWORK',
  ],
  [
    'sends us to a file',
    { method: 'POST', path: '/uploads/', headers: { location: 'file:///etc/passwd' } },
    'POLICY_REFUSED',
  ],
])('a registry that %s fails the push', async (_, fault, code) => {
  await using registry = await startRegistry();
  registry.fault(fault);
  const client = createRegistry({ url: registry.url, retry });
  await expect(client.repository(name).pushBlob(blob, body())).rejects.toMatchObject({ code });
  expect(registry.repositories.get(name)?.blobs.size ?? 0).toBe(0);
  await client.close();
});

test('no credentials go along to a Location elsewhere (CVE-2026-50151)', async () => {
  const user = { username: 'tester', password: 'secret' };
  await using storage = await startRegistry();
  await using registry = await startRegistry({ auth: { basic: user } });
  const location = `${storage.url}/v2/a/b/blobs/uploads/elsewhere?sig=abc%2Bd`;
  registry.fault({ method: 'POST', path: '/uploads/', headers: { location }, skip: 1 });
  registry.fault({ method: 'POST', path: '/uploads/', status: 202, headers: { location } });
  storage.fault({ method: 'PUT', path: '/uploads/', status: 201 });
  const client = createRegistry({
    url: registry.url,
    retry,
    credentials: staticCredentials(registry.host, { kind: 'password', ...user }),
  });
  await client.repository(name).pushBlob(blob, body());
  const [put] = storage.requests;
  expect(put?.headers).not.toHaveProperty('authorization');
  expect(put?.query.get('sig')).toBe('abc+d');
  expect(put?.query.get('digest')).toBe(blob.digest);
  await client.close();
});

test('an abort in the middle cancels the upload', async () => {
  await using registry = await startRegistry();
  const client = createRegistry({ url: registry.url, retry });
  const controller = new AbortController();
  async function* aborting(): AsyncGenerator<Uint8Array> {
    yield bytes.subarray(0, 1000);
    controller.abort();
    yield bytes.subarray(1000);
  }
  const push = client.repository(name).pushBlob(blob, aborting(), { signal: controller.signal });
  await expect(push).rejects.toMatchObject({ code: 'ABORTED' });
  expect(registry.openUploads).toBe(0);
  await client.close();
});
