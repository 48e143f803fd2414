import { type ObjectStore, createMemoryObjectStore } from '@oci/cache';
import { parseRepositoryName } from '@oci/spec-types';
import { describeManifest, digestOf } from '@oci/spec-types/node';
import { bytesOf } from '@oci/testing';
import { expect, test, vi } from 'vitest';

import { createHostedRegistry } from './hosted-registry.js';
import { bytes as bodyOf } from './json-object.js';

const [a, b] = [parseRepositoryName('a'), parseRepositoryName('b')];
const bytes = bytesOf('a secret that leaked');
const descriptor = { digest: digestOf(bytes), size: bytes.byteLength };
const content = () => ({ descriptor, body: bodyOf(bytes) });

async function blobsOf(store: ObjectStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of store.list('v1/blobs/')) keys.push(key);
  return keys;
}

test('a blob leaves the disk with the last repository that has it', async () => {
  const store = createMemoryObjectStore();
  const { blobs } = createHostedRegistry(store);
  await blobs.put(a, content());
  await blobs.mount(b, descriptor.digest, a);
  await blobs.unlink(a, descriptor.digest);
  expect(await blobsOf(store)).toHaveLength(1);
  await blobs.unlink(b, descriptor.digest);
  expect(await blobsOf(store)).toEqual([]);
  expect(await blobs.mount(a, descriptor.digest, b)).toBe(false);
});

test('a deletion waits for nobody who stores the content, and is decided when they have ended', async () => {
  const store = createMemoryObjectStore();
  const { blobs } = createHostedRegistry(store);
  await blobs.put(a, content());
  let fail = (): void => {};
  const broken = new Promise<never>((_, reject) => {
    fail = () => reject(new Error('the client has gone'));
  });
  async function* slow(): AsyncGenerator<Uint8Array> {
    yield bytes.subarray(0, 3);
    await broken;
  }
  const push = blobs.put(b, { descriptor, body: slow() });
  expect(await blobs.unlink(a, descriptor.digest)).toBe(true);
  expect(await blobsOf(store)).toHaveLength(1);
  fail();
  await expect(push).rejects.toThrow('the client has gone');
  expect(await blobsOf(store)).toEqual([]);
});

test('the content of a manifest stays while there is one, and goes with it', async () => {
  const store = createMemoryObjectStore();
  const { blobs, manifests } = createHostedRegistry(store);
  const manifest = describeManifest(bytesOf('{"schemaVersion":2,"manifests":[]}'));
  const { digest } = manifest.descriptor;
  await manifests.put(a, manifest, { tags: [] });
  expect(await blobs.unlink(a, digest)).toBe(true);
  expect((await manifests.read(manifest.descriptor)).bytes).toEqual(Buffer.from(manifest.bytes));
  await manifests.delete(a, digest);
  expect(await blobsOf(store)).toEqual([]);
});

test('a start removes what nothing refers to, and nothing else', async () => {
  const store = createMemoryObjectStore();
  const before = createHostedRegistry(store);
  const manifest = describeManifest(bytesOf('{"schemaVersion":2,"manifests":[]}'));
  await before.manifests.put(a, manifest, { tags: [] });
  await before.blobs.put(b, content());
  const left = digestOf(bytesOf('left over'));
  await store.put(`v1/blobs/sha256/${left.slice(7)}`, bodyOf(bytesOf('left over')));
  const kept = (await blobsOf(store)).filter((key) => !key.endsWith(left.slice(7)));
  await createHostedRegistry(store).removeUnreferenced();
  expect(await blobsOf(store)).toEqual(kept);
  expect(kept).toHaveLength(2);
});

test('a start removes nothing from a directory without repositories: it is being restored', async () => {
  const store = createMemoryObjectStore();
  await store.put(`v1/blobs/sha256/${descriptor.digest.slice(7)}`, bodyOf(bytes));
  await createHostedRegistry(store).removeUnreferenced();
  expect(await blobsOf(store)).toHaveLength(1);
});

test('a push that fails before anything is stored asks no repository about its digest', async () => {
  const store = createMemoryObjectStore();
  const list = vi.spyOn(store, 'list');
  const { blobs } = createHostedRegistry(store);
  const other = {
    descriptor: { ...descriptor, digest: digestOf(bytesOf('x')) },
    body: bodyOf(bytes),
  };
  await expect(blobs.put(a, other)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  expect(list).not.toHaveBeenCalled();
});
