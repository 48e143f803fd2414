import { type ObjectStore, createMemoryObjectStore } from '@oci/cache';
import { parseRepositoryName } from '@oci/spec-types';
import { describeManifest, digestOf } from '@oci/spec-types/node';
import { bytesOf, collect, textOf } from '@oci/testing';
import { expect, test, vi } from 'vitest';

import { maxStagedMs } from './content-index.js';
import { createHostedRegistry } from './hosted-registry.js';
import { bytes as bodyOf } from './json-object.js';
import { keys } from './keys.js';

const [a, b] = [parseRepositoryName('a'), parseRepositoryName('b')];
const bytes = bytesOf('a secret that leaked');
const descriptor = { digest: digestOf(bytes), size: bytes.byteLength };
const content = () => ({ descriptor, body: bodyOf(bytes) });
const manifest = describeManifest(bytesOf('{"schemaVersion":2,"manifests":[]}'));

async function keysOf(store: ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key, size } of store.entries(prefix)) if (size > 0) keys.push(key);
  return keys;
}

function forwarded(store: ObjectStore): ObjectStore {
  return {
    head: (...asked) => store.head(...asked),
    get: (...asked) => store.get(...asked),
    put: (...asked) => store.put(...asked),
    list: (...asked) => store.list(...asked),
    entries: (...asked) => store.entries(...asked),
    delete: (...asked) => store.delete(...asked),
    join: (...asked) => store.join(...asked),
  };
}

const dataOf = (store: ObjectStore) => keysOf(store, keys.allData);

test('a blob leaves the store with the last repository that has it', async () => {
  const store = createMemoryObjectStore();
  const { blobs } = createHostedRegistry(store);
  await blobs.put(a, content());
  await blobs.mount(b, descriptor.digest, a);
  await blobs.unlink(a, descriptor.digest);
  expect(await dataOf(store)).toHaveLength(1);
  await blobs.unlink(b, descriptor.digest);
  expect(await keysOf(store, '')).toEqual([]);
  expect(await blobs.mount(a, descriptor.digest, b)).toBe(false);
});

test('a deletion waits for nobody who pushes the content, whose push stores it again', async () => {
  const store = createMemoryObjectStore();
  const { blobs } = createHostedRegistry(store);
  await blobs.put(a, content());
  let end = (): void => {};
  const outcome = new Promise<void>((resolve) => (end = resolve));
  async function* slow(): AsyncGenerator<Uint8Array> {
    yield bytes.subarray(0, 3);
    await outcome;
    yield bytes.subarray(3);
  }
  const pushes = [blobs.put(b, { descriptor, body: slow() })];
  expect(await blobs.unlink(a, descriptor.digest)).toBe(true);
  expect(await dataOf(store)).toEqual([]);
  end();
  await Promise.all(pushes);
  expect(await blobs.size(b, descriptor.digest)).toBe(descriptor.size);
});

test('a push that breaks off leaves nothing', async () => {
  const store = createMemoryObjectStore();
  const { blobs } = createHostedRegistry(store);
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield bytes.subarray(0, 3);
    throw new Error('the client has gone');
  }
  const push = blobs.put(b, { descriptor, body: broken() });
  await expect(push).rejects.toThrow('the client has gone');
  expect(await keysOf(store, '')).toEqual([]);
});

test('the content of a manifest stays while there is one, and goes with it', async () => {
  const store = createMemoryObjectStore();
  const { blobs, manifests } = createHostedRegistry(store);
  const { digest } = manifest.descriptor;
  await manifests.put(a, manifest, { tags: [] });
  expect(await blobs.unlink(a, digest)).toBe(true);
  expect(await blobs.unlink(a, digest)).toBe(false);
  const found = await manifests.find(a, { digest });
  expect(found && (await manifests.read(found)).bytes).toEqual(Buffer.from(manifest.bytes));
  await manifests.delete(a, digest);
  expect(await keysOf(store, '')).toEqual([keys.repository(a)]);
});

test('a collection removes what nothing refers to, and nothing else', async () => {
  const store = createMemoryObjectStore();
  const before = createHostedRegistry(store);
  await before.manifests.put(a, manifest, { tags: [] });
  await before.blobs.put(b, content());
  const session = await before.uploads.begin(a, 'me');
  await before.uploads.use({ name: a, session }, async (upload) =>
    upload?.append(bodyOf(bytesOf('a piece'))),
  );
  const kept = await keysOf(store, '');
  // As ends in the middle of a push, and of a deletion, leave them.
  const left = bytesOf('left over');
  await before.blobs.put(b, {
    descriptor: { digest: digestOf(left), size: left.byteLength },
    body: bodyOf(left),
  });
  await store.delete(keys.link(digestOf(left), b));
  await store.put(keys.data('0123456789'), bodyOf(left));
  const now = Date.now() + 2 * maxStagedMs + 1000;
  const collection = { uploadMs: 4 * maxStagedMs };
  const after = createHostedRegistry(store, { collection });
  await after.collection.collect();
  expect(await dataOf(store)).toContain(keys.data('0123456789'));
  await after.collection.collect({ now });
  expect(await keysOf(store, '')).toEqual(kept);
  expect(await after.blobs.size(b, descriptor.digest)).toBe(descriptor.size);
});

test('a condemned record, as an end in the middle of a deletion leaves it, is content until a collection', async () => {
  const store = createMemoryObjectStore();
  const registry = createHostedRegistry(store);
  const { blobs } = registry;
  await blobs.put(a, content());
  const failing = {
    ...forwarded(store),
    deleteVersion: async () => Promise.reject(new Error('the power is gone')),
  };
  const link = await blobs.condemn(a, descriptor.digest);
  const deletion = createHostedRegistry(failing).blobs.forget(a, descriptor.digest, link);
  await expect(deletion).rejects.toThrow('the power is gone');
  await store.delete(keys.link(descriptor.digest, a));
  await expect(createHostedRegistry(failing).collection.collect()).rejects.toThrow('the power');
  const record = await store.get(keys.content(descriptor.digest));
  expect(textOf(await collect(record?.body ?? []))).toContain('condemned');
  await blobs.put(b, content());
  await registry.collection.collect();
  expect(await blobs.size(b, descriptor.digest)).toBe(descriptor.size);
  await blobs.unlink(b, descriptor.digest);
  expect(await keysOf(store, '')).toEqual([]);
});

test('a push that fails before anything is stored asks no repository about its digest', async () => {
  const store = createMemoryObjectStore();
  const entries = vi.spyOn(store, 'entries');
  const { blobs } = createHostedRegistry(store);
  const other = {
    descriptor: { ...descriptor, digest: digestOf(bytesOf('x')) },
    body: bodyOf(bytes),
  };
  await expect(blobs.put(a, other)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  expect(entries).not.toHaveBeenCalled();
});
