import { createMemoryObjectStore } from '@oci/cache';
import { parseRepositoryName } from '@oci/spec-types';
import { describeManifest, digestOf } from '@oci/spec-types/node';
import { bytesOf, inChunks, randomBytes } from '@oci/testing';
import { expect, test } from 'vitest';

import { createHostedRegistry } from './hosted-registry.js';

const bytes = randomBytes(51, 100_000);
const descriptor = { digest: digestOf(bytes), size: bytes.byteLength };
const manifest = describeManifest(bytesOf('{"schemaVersion":2,"manifests":[]}'));
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
  expect(await blobs.mount(b, descriptor.digest, a)).toBe(true);
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
  expect(await all(store.list('v2/data/'))).toHaveLength(1);
});

test('knows the repositories that have a manifest, and not those around them', async () => {
  const registry = createHostedRegistry(createMemoryObjectStore());
  const { blobs, manifests } = registry;
  await blobs.put(b, content());
  expect(await registry.hasRepository(b)).toBe(false);
  await manifests.put(nested, manifest, { tags: [] });
  expect(await registry.hasRepository(nested)).toBe(true);
  expect(await registry.hasRepository(a)).toBe(false);
  for (const name of [b, a]) await manifests.put(name, manifest, { tags: [] });
  expect(await all(registry.listRepositories())).toEqual(['a', 'a/0', 'b']);
  expect(await all(registry.listRepositories({ after: a }))).toEqual(['a/0', 'b']);
  await manifests.delete(a, manifest.descriptor.digest);
  expect(await registry.hasRepository(a)).toBe(true);
  await registry.collection.collect();
  expect(await all(registry.listRepositories())).toEqual(['a/0', 'b']);
});
