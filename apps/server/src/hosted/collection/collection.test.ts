import { type ObjectStore, createMemoryObjectStore } from '@oci/cache';
import { mediaTypes, parseRepositoryName } from '@oci/spec-types';
import { describeManifest, digestOf } from '@oci/spec-types/node';
import { bytesOf } from '@oci/testing';
import { describe, expect, test } from 'vitest';

import { maxStagedMs } from '../content-index.js';
import { type HostedRegistry, createHostedRegistry } from '../hosted-registry.js';
import { bytes as bodyOf } from '../json-object.js';
import { keys } from '../keys.js';
import type { CollectionReport } from './collection-report.js';

const [a, b, c] = [parseRepositoryName('a'), parseRepositoryName('b'), parseRepositoryName('c')];
const [kept, unlinked] = [bytesOf('kept'), bytesOf('of no repository')];
const layer = { mediaType: 'a/b', digest: digestOf(kept), size: kept.byteLength };
const manifest = describeManifest(
  bytesOf(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.imageManifest,
      config: layer,
      layers: [],
    }),
  ),
);
const orphan = '0123456789abcdef0123456789abcdef';
/** By a clock that shows when all that was just stored is old. */
const later = Date.now() + 2 * maxStagedMs + 60_000;

const blobOf = (bytes: Uint8Array) => ({
  descriptor: { digest: digestOf(bytes), size: bytes.byteLength },
  body: bodyOf(bytes),
});

async function liveKeys(store: ObjectStore): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { key, size } of store.entries('')) if (size > 0) found.push(key);
  return found;
}

/** A storage with all that pushes and deletions leave that end in the middle. */
async function leftovers(store: ObjectStore): Promise<HostedRegistry> {
  const registry = createHostedRegistry(store);
  await registry.blobs.put(b, blobOf(kept));
  await registry.manifests.put(b, manifest, { tags: [] });
  await registry.blobs.put(c, blobOf(unlinked));
  await store.delete(keys.link(digestOf(unlinked), c));
  await store.put(keys.repository(c), bodyOf(bytesOf('{"since":1}')));
  await store.put(keys.data(orphan), bodyOf(bytesOf('never hashed')));
  const session = await registry.uploads.begin(a, 'me');
  await registry.uploads.use({ name: a, session }, async (upload) =>
    upload?.append(bodyOf(bytesOf('a piece'))),
  );
  return registry;
}

const countsOf = ({ kinds }: CollectionReport) => kinds;

/** Memory as it is, and as a bucket that cannot delete under a condition. */
const stores = [
  ['with conditional deletions', createMemoryObjectStore],
  [
    'without conditional deletions',
    (): ObjectStore => Object.assign(createMemoryObjectStore(), { deleteVersion: undefined }),
  ],
] as const;

describe.each(stores)('a collection of a store %s', (_, createStore) => {
  test('reports what it removed by kind, and a second one finds nothing', async () => {
    const store = createStore();
    await leftovers(store);
    const { collection, blobs } = createHostedRegistry(store);
    const report = await collection.collect({ now: later });
    expect(report).toMatchObject({ dryRun: false, result: 'done', unreadable: 0 });
    expect(countsOf(report)).toEqual({
      uploads: { lookedAt: 1, removed: 1, bytes: 7 },
      repositories: { lookedAt: 2, removed: 1, bytes: 0 },
      content: { lookedAt: 3, removed: 1, bytes: unlinked.byteLength },
      links: { lookedAt: 2, removed: 0, bytes: 0, condemned: 0 },
      data: { lookedAt: 3, removed: 1, bytes: 12 },
    });
    const again = await collection.collect({ now: later });
    for (const { removed } of Object.values(again.kinds)) expect(removed).toBe(0);
    expect(await blobs.size(b, digestOf(kept))).toBe(kept.byteLength);
  });

  test('tells as a dry run the same, and changes nothing', async () => {
    const store = createStore();
    const registry = await leftovers(store);
    const session = await registry.uploads.begin(a, 'me');
    const key = keys.upload(session);
    // As a process leaves it that is killed while it ends an upload.
    const piece = 'fedcba9876543210fedcba9876543210';
    await store.put(keys.data(piece), bodyOf(bytesOf('closing')));
    const closing = { repository: a, pieces: [[piece, 7]], closing: digestOf(bytesOf('closing')) };
    await store.put(key, bodyOf(bytesOf(JSON.stringify(closing))));
    const before = await liveKeys(store);
    const { collection } = createHostedRegistry(store);
    const dry = await collection.collect({ dryRun: true, now: later });
    expect(dry.dryRun).toBe(true);
    expect(await liveKeys(store)).toEqual(before);
    const real = await collection.collect({ now: later });
    const removedOf = (report: CollectionReport) =>
      Object.entries(report.kinds).map(([kind, { removed, bytes }]) => ({ kind, removed, bytes }));
    expect(removedOf(dry)).toEqual(removedOf(real));
    expect(real.kinds.data).toMatchObject({ removed: 2, bytes: 19 });
  });

  test('leaves data alone while a record cannot be read, which may be of it', async () => {
    const store = createStore();
    await leftovers(store);
    await store.put(keys.content(digestOf(kept)), bodyOf(bytesOf('{"da')));
    const { collection } = createHostedRegistry(store);
    const report = await collection.collect({ now: later });
    expect(report.unreadable).toBe(1);
    expect(report.kinds.data).toEqual({ lookedAt: 0, removed: 0, bytes: 0 });
    expect(await store.head(keys.data(orphan))).toBeDefined();
  });

  test('that is interrupted anywhere goes on with the next one', async () => {
    for (let steps = 0; ; steps += 1) {
      const store = createStore();
      await leftovers(store);
      const ending = new AbortController();
      let left = steps;
      const counted = new Proxy(store, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name, target);
          if (typeof value !== 'function') return value;
          return (...given: unknown[]): unknown => {
            if ((left -= 1) < 0) ending.abort();
            return Reflect.apply(value, target, given);
          };
        },
      });
      const { collection } = createHostedRegistry(counted);
      const pass = collection.collect({ now: later, signal: ending.signal });
      const outcome = await pass.catch((error: { code: string }) => error.code);
      const { collection: next, blobs, manifests } = createHostedRegistry(store);
      await next.collect({ now: later });
      expect(await blobs.size(b, digestOf(kept))).toBe(kept.byteLength);
      const { digest } = manifest.descriptor;
      expect(await manifests.resolve(b, { digest })).toBeDefined();
      const there = await liveKeys(store);
      for (const prefix of [keys.allData, keys.allContent])
        expect(there.filter((key) => key.startsWith(prefix))).toHaveLength(2);
      if (outcome !== 'ABORTED') return;
    }
  }, 120_000);

  test('keeps an upload that something was added to since it was listed', async () => {
    const store = createStore();
    const registry = await leftovers(store);
    const key = (await liveKeys(store)).find((each) => each.startsWith(keys.uploads)) ?? '';
    const session = key.slice(keys.uploads.length);
    const entries = store.entries.bind(store);
    store.entries = async function* (prefix, options) {
      for await (const entry of entries(prefix, options)) {
        if (entry.key === key)
          await registry.uploads.use({ name: a, session }, async (upload) =>
            upload?.append(bodyOf(bytesOf(' more'))),
          );
        yield entry;
      }
    };
    const report = await createHostedRegistry(store).collection.collect({ now: later });
    expect(report.kinds.uploads).toMatchObject({ lookedAt: 1, removed: 0 });
    const offset = await registry.uploads.use(
      { name: a, session },
      async (upload) => upload?.offset,
    );
    expect(offset).toBeGreaterThanOrEqual(12);
  });
});

test('one collection runs at a time, and its report is kept', async () => {
  const store = createMemoryObjectStore();
  await leftovers(store);
  const { collection } = createHostedRegistry(store);
  const [one, other] = await Promise.allSettled([collection.run(), collection.run()]);
  expect(one).toMatchObject({ status: 'fulfilled', value: { result: 'done' } });
  expect(other).toMatchObject({ reason: { code: 'STORAGE_FAILED', retryable: true } });
  await collection.run({ dryRun: true });
  const status = await createHostedRegistry(store).collection.status();
  expect(status).toMatchObject({
    runningSince: undefined,
    last: { dryRun: false, result: 'done' },
    lastDryRun: { dryRun: true, result: 'done' },
  });
  expect(status.lastDoneAt).toBe(status.last?.endedAt);
});

test('a collection that fails, or is interrupted, says so in its report', async () => {
  const store = createMemoryObjectStore();
  await leftovers(store);
  const { collection } = createHostedRegistry(store);
  const heard: CollectionReport[] = [];
  const signal = AbortSignal.abort();
  await expect(collection.run({ signal })).rejects.toMatchObject({ code: 'ABORTED' });
  const ending = new AbortController();
  const entries = store.entries.bind(store);
  store.entries = (prefix, options) => {
    if (prefix === keys.allContent) ending.abort();
    return entries(prefix, options);
  };
  const interrupted = collection.run({ signal: ending.signal }, (report) => heard.push(report));
  await expect(interrupted).rejects.toMatchObject({ code: 'ABORTED' });
  expect(await collection.isDue(1e9)).toBe(true);
  store.entries = (prefix, options) => {
    if (prefix === keys.allContent) throw new Error('the disk is gone');
    return entries(prefix, options);
  };
  const failing = collection.run({}, (report) => heard.push(report));
  await expect(failing).rejects.toThrow('the disk is gone');
  expect(heard.map(({ result }) => result)).toEqual(['interrupted', 'failed']);
  expect((await collection.status()).lastDoneAt).toBeUndefined();
  expect((await collection.status()).last).toEqual(heard.at(-1));
  expect(await collection.isDue(1e9)).toBe(false);
});

test('a collection is due when none has ended within the interval, or the last one was interrupted', async () => {
  const hour = 60 * 60_000;
  const { collection } = createHostedRegistry(createMemoryObjectStore());
  expect(await collection.isDue(24 * hour)).toBe(true);
  const { endedAt } = await collection.run();
  expect(await collection.isDue(24 * hour, endedAt + 24 * hour - 1)).toBe(false);
  expect(await collection.isDue(24 * hour, endedAt + 24 * hour)).toBe(true);
  expect(await collection.isDue(24 * hour, endedAt - hour)).toBe(false);
  // The clock that the report has its time of was wrong by years.
  expect(await collection.isDue(24 * hour, endedAt - 1000 * hour)).toBe(true);
  await collection.run({ dryRun: true });
  expect(await collection.isDue(24 * hour, endedAt + 24 * hour)).toBe(true);
});
