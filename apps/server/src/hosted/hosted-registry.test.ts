import { createFileObjectStore, createMemoryObjectStore } from '@oci/cache';
import { parseRepositoryName } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import { bytesOf, inChunks, randomBytes, temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import { createHostedRegistry } from './hosted-registry.js';

const bytes = randomBytes(51, 100_000);
const descriptor = { digest: digestOf(bytes), size: bytes.byteLength };
const content = () => ({ descriptor, body: inChunks(bytes, 10_000) });
const [a, b, nested] = ['a', 'b', 'a/0'].map(parseRepositoryName) as [
  ReturnType<typeof parseRepositoryName>,
  ReturnType<typeof parseRepositoryName>,
  ReturnType<typeof parseRepositoryName>,
];

async function all<T>(entries: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const entry of entries) found.push(entry);
  return found;
}

test('a blob is only where it was pushed or linked to (CVE-2024-39897, CVE-2026-35172)', async () => {
  const { blobs } = createHostedRegistry(createMemoryObjectStore());
  await blobs.put(a, content());
  expect(await blobs.size(a, descriptor.digest)).toBe(descriptor.size);
  expect(await blobs.size(b, descriptor.digest)).toBeUndefined();
  expect(await blobs.open(b, descriptor.digest)).toBeUndefined();
  await blobs.link(b, descriptor.digest);
  expect(await blobs.unlink(a, descriptor.digest)).toBe(true);
  expect(await blobs.unlink(a, descriptor.digest)).toBe(false);
  expect(await blobs.size(a, descriptor.digest)).toBeUndefined();
  expect(await blobs.size(b, descriptor.digest)).toBe(descriptor.size);
});

test('content is stored once for all repositories', async () => {
  const store = createMemoryObjectStore();
  const { blobs } = createHostedRegistry(store);
  await blobs.put(a, content());
  await blobs.put(b, content());
  expect(await all(store.list('v1/blobs/'))).toHaveLength(1);
});

test('knows the repositories that have something, and not those around them', async () => {
  const registry = createHostedRegistry(createMemoryObjectStore());
  await registry.blobs.put(nested, content());
  expect(await registry.hasRepository(nested)).toBe(true);
  expect(await registry.hasRepository(a)).toBe(false);
  for (const name of [b, a]) await registry.blobs.link(name, descriptor.digest);
  expect(await all(registry.listRepositories())).toEqual(['a', 'a/0', 'b']);
  expect(await all(registry.listRepositories('a'))).toEqual(['a/0', 'b']);
  await registry.blobs.unlink(a, descriptor.digest);
  expect(await all(registry.listRepositories())).toEqual(['a/0', 'b']);
});

test('an upload takes pieces in order, and becomes a blob', async () => {
  const { uploads, blobs } = createHostedRegistry(createMemoryObjectStore());
  const session = await uploads.begin(a);
  expect(await uploads.offset(a, session)).toBe(0);
  for (let at = 0; at < bytes.byteLength; at += 30_000) {
    await uploads.append(session, at, inChunks(bytes.subarray(at, at + 30_000), 7_000));
  }
  expect(await uploads.offset(a, session)).toBe(bytes.byteLength);
  expect(await uploads.offset(b, session)).toBeUndefined();
  expect(await uploads.commit(a, session, descriptor.digest)).toBe(bytes.byteLength);
  expect(await blobs.size(a, descriptor.digest)).toBe(bytes.byteLength);
  expect(await uploads.offset(a, session)).toBeUndefined();
});

test('of two pieces for one place, one is taken', async () => {
  const { uploads } = createHostedRegistry(createMemoryObjectStore());
  const session = await uploads.begin(a);
  const ends = await Promise.all(
    [1, 2].map(() => uploads.append(session, 0, inChunks(bytes, 10_000))),
  );
  expect(ends.filter((end) => end === undefined)).toHaveLength(1);
});

test('an upload that is not what it says is no blob', async () => {
  const { uploads, blobs } = createHostedRegistry(createMemoryObjectStore());
  const session = await uploads.begin(a);
  await uploads.append(session, 0, inChunks(bytesOf('something else'), 5));
  await expect(uploads.commit(a, session, descriptor.digest)).rejects.toMatchObject({
    code: 'DIGEST_MISMATCH',
  });
  expect(await blobs.size(a, descriptor.digest)).toBeUndefined();
});

test('uploads that rest for too long are removed, and no others', async () => {
  await using directory = await temporaryDirectory();
  const store = createFileObjectStore(directory.path);
  const { uploads } = createHostedRegistry(store);
  const session = await uploads.begin(a);
  await uploads.append(session, 0, inChunks(bytes, 10_000));
  const hour = 3_600_000;
  expect(await uploads.expire({ olderThanMs: hour })).toBe(0);
  expect(await uploads.offset(a, session)).toBe(bytes.byteLength);
  expect(await uploads.expire({ olderThanMs: hour, now: Date.now() + 2 * hour })).toBe(1);
  expect(await uploads.offset(a, session)).toBeUndefined();
  expect(await all(store.list('v1/uploads/'))).toEqual([]);
});
