import { type ObjectStore, createMemoryObjectStore } from '@oci/cache';
import {
  type Digest,
  OciError,
  type RepositoryName,
  type ResolvedManifest,
  mediaTypes,
  parseRepositoryName,
  parseTag,
} from '@oci/spec-types';
import { describeManifest, digestOf } from '@oci/spec-types/node';
import { bytesOf } from '@oci/testing';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { finish, scheduledStore } from '../../../test/scheduled-store.js';
import { SteppedStore } from '../../../test/stepped-store.js';
import type { ContentRecord } from '../content-index.js';
import { type HostedRegistry, createHostedRegistry } from '../hosted-registry.js';
import { bytes as bodyOf } from '../json-object.js';
import { keys, partsOfManifestKey } from '../keys.js';
import type { LinkRecord } from '../link-record.js';
import { Records } from '../records.js';

const numRuns = Number(process.env['OCI_SOAK_INTERLEAVINGS'] ?? 40);
const day = 24 * 60 * 60_000;
const start = Date.UTC(2030, 0, 1);
const [a, b] = [parseRepositoryName('a'), parseRepositoryName('b')];
const [layer, config] = [bytesOf('a layer'), bytesOf('{"a":"config"}')];
const latest = parseTag('latest');

const describedAs = (bytes: Uint8Array) => ({
  mediaType: 'application/octet-stream',
  digest: digestOf(bytes),
  size: bytes.byteLength,
});

function imageOf(fields: Record<string, unknown> = {}): ResolvedManifest {
  const document = {
    schemaVersion: 2,
    mediaType: mediaTypes.imageManifest,
    config: describedAs(config),
    layers: [describedAs(layer)],
    ...fields,
  };
  return describeManifest(bytesOf(JSON.stringify(document)));
}

const image = imageOf();

/** Says which day it is, counted from the first. */
function itIs(days: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: start + days * day });
}

beforeEach(() => itIs(0));
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const put = (registry: HostedRegistry, bytes: Uint8Array, name = a): Promise<unknown> =>
  registry.blobs.put(name, { descriptor: describedAs(bytes), body: bodyOf(bytes) });

async function pushImage(registry: HostedRegistry, name = a): Promise<void> {
  for (const bytes of [layer, config]) await put(registry, bytes, name);
  await registry.manifests.put(name, image, { tags: [latest] });
}

async function collectOn(days: number, registry: HostedRegistry, dryRun = false) {
  itIs(days);
  return (await registry.collection.collect({ dryRun })).kinds;
}

const linkOf = (store: ObjectStore, bytes: Uint8Array, name: RepositoryName = a) =>
  new Records(store).get<LinkRecord>(keys.link(digestOf(bytes), name));

async function keysOf(store: ObjectStore, prefix: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { key } of new Records(store).entries(prefix)) found.push(key);
  return found;
}

/** What a manifest that is there names, and its repository does not have. */
async function lacking(store: ObjectStore): Promise<readonly string[]> {
  const records = new Records(store);
  const missing: string[] = [];
  for (const key of await keysOf(store, keys.allOf('manifests'))) {
    const { name, digest } = partsOfManifestKey(key) ?? { name: a, digest: '' as Digest };
    for (const needed of [digest, digestOf(layer), digestOf(config)]) {
      const content = await records.get<ContentRecord>(keys.content(needed));
      const isLinked = await records.has(keys.link(needed, name));
      if (!isLinked || !content || !(await store.head(keys.data(content.data))))
        missing.push(`${name} ${needed}`);
    }
  }
  return missing;
}

/** What clients and collections do in one day. */
const steps: Readonly<Record<string, (registry: HostedRegistry) => Promise<unknown>>> = {
  collect: ({ collection }) => collection.collect(),
  'collect again': ({ collection }) => collection.collect(),
  /** As a client does that was told that the blobs are there. */
  push: ({ manifests }) => unlessMissing(manifests.put(a, image, { tags: [latest] })),
  'push sparsely': ({ manifests, blobs }) =>
    unlessMissing(
      blobs.mount(a, digestOf(layer), b).then(async (isMounted) => {
        await blobs.put(a, { descriptor: describedAs(config), body: bodyOf(config) });
        if (isMounted) await manifests.put(a, image, { tags: [latest], isSparse: true });
      }),
    ),
  'push all': (registry) => pushImage(registry),
  'push to b': (registry) => pushImage(registry, b),
  mount: ({ blobs }) => blobs.mount(a, digestOf(layer), b),
  delete: ({ manifests }) => manifests.delete(a, image.descriptor.digest),
};

/** A client that is told that a blob is missing pushes it again. */
async function unlessMissing(push: Promise<unknown>): Promise<void> {
  await push.catch((error: { code: string }) => {
    if (error.code !== 'BLOB_UNKNOWN') throw error;
  });
}

/** Memory as it is, and as a bucket that cannot delete under a condition. */
const stores = [
  ['with conditional deletions', createMemoryObjectStore],
  [
    'without conditional deletions',
    (): ObjectStore => Object.assign(createMemoryObjectStore(), { deleteVersion: undefined }),
  ],
] as const;

describe.each(stores)('links in a store %s', (_, createStore) => {
  let store: ObjectStore;
  let registry: HostedRegistry;
  beforeEach(() => {
    store = createStore();
    registry = createHostedRegistry(store);
  });

  test('a blob that no manifest names goes after two collections, a day apart', async () => {
    await put(registry, layer);
    const nothing = { lookedAt: 1, removed: 0, bytes: 0, condemned: 0 };
    expect((await collectOn(0.9, registry)).links).toEqual(nothing);
    expect((await collectOn(1.1, registry)).links).toEqual({ ...nothing, condemned: 1 });
    expect((await collectOn(2, registry)).links).toEqual(nothing);
    expect(await registry.blobs.size(a, digestOf(layer))).toBe(layer.byteLength);
    const { links } = await collectOn(2.2, registry);
    expect(links).toEqual({ ...nothing, removed: 1, bytes: layer.byteLength });
    for (const prefix of [keys.allLinks, keys.allContent, keys.allData])
      expect(await keysOf(store, prefix)).toEqual([]);
  });

  test('what a manifest names stays, until the manifest is deleted', async () => {
    await pushImage(registry);
    for (const days of [2, 4, 6])
      expect((await collectOn(days, registry)).links).toMatchObject({ condemned: 0, removed: 0 });
    expect(await lacking(store)).toEqual([]);
    await registry.manifests.delete(a, image.descriptor.digest);
    expect((await collectOn(8, registry)).links).toMatchObject({ condemned: 2, removed: 0 });
    const bytes = layer.byteLength + config.byteLength;
    expect((await collectOn(10, registry)).links).toMatchObject({ removed: 2, bytes });
    expect(await keysOf(store, keys.allData)).toEqual([]);
  });

  const named = { ...describedAs(layer), urls: ['https://oci.example/layer'] };
  test.each([
    ['as a layer from elsewhere', imageOf({ layers: [named] })],
    ['as its subject', imageOf({ layers: [], subject: describedAs(layer) })],
    ['in a field that nobody knows', imageOf({ layers: [], blobs: [describedAs(layer)] })],
  ])('what a manifest names %s stays', async (_how, manifest) => {
    for (const bytes of [layer, config]) await put(registry, bytes);
    await registry.manifests.put(a, manifest, { tags: [] });
    for (const days of [2, 4, 6]) await collectOn(days, registry);
    expect(await registry.blobs.size(a, digestOf(layer))).toBe(layer.byteLength);
  });

  test('a manifest of another repository keeps nothing, and no manifest goes', async () => {
    await pushImage(registry, b);
    await put(registry, layer);
    for (const days of [2, 4]) await collectOn(days, registry);
    expect(await linkOf(store, layer)).toBeUndefined();
    expect(await lacking(store)).toEqual([]);
    // It is pulled by its digest, and nothing names it.
    expect(await registry.manifests.deleteTag(b, latest)).toBe(true);
    for (const days of [6, 8]) await collectOn(days, registry);
    expect(await lacking(store)).toEqual([]);
    const { digest } = image.descriptor;
    expect(await registry.manifests.find(b, { digest })).toBeDefined();
  });

  test('a repository with a manifest that cannot be read keeps all, others do not', async () => {
    await pushImage(registry);
    for (const name of [a, b]) await put(registry, bytesOf('unnamed'), name);
    const key = keys.content(image.descriptor.digest);
    await store.put(key, bodyOf(bytesOf('{"da')));
    for (const days of [2, 4]) {
      itIs(days);
      const report = await createHostedRegistry(store).collection.collect();
      expect(report).toMatchObject({ unreadableManifests: 1 });
    }
    expect(await linkOf(store, bytesOf('unnamed'), b)).toBeUndefined();
    for (const bytes of [bytesOf('unnamed'), layer, config])
      expect(await linkOf(store, bytes)).toEqual({ kinds: ['blob'] });
  });

  test('a record that a deletion left, which ended in its middle, keeps nothing', async () => {
    await pushImage(registry);
    const { digest } = image.descriptor;
    await store.delete(keys.link(digest, a));
    await registry.blobs.removeUnreferenced(digest);
    await collectOn(2, registry);
    expect((await collectOn(4, registry)).links.removed).toBe(2);
  });

  test('a record that a deletion left goes a day later, whoever has the manifest besides', async () => {
    await pushImage(registry, b);
    for (const bytes of [layer, config]) await put(registry, bytes);
    await registry.manifests.put(a, image, { tags: [] });
    const { digest } = image.descriptor;
    await store.delete(keys.link(digest, a));
    await collectOn(0.5, registry);
    expect(await registry.manifests.resolve(a, { digest })).toBeDefined();
    await collectOn(2, registry);
    const fresh = createHostedRegistry(store);
    expect(await fresh.manifests.resolve(a, { digest })).toBeUndefined();
    expect(await fresh.manifests.resolve(b, { digest })).toBeDefined();
    expect(await keysOf(store, keys.allOf('manifests'))).toHaveLength(1);
  });

  test.each([
    ['a push of a manifest', () => registry.manifests.put(a, image, { tags: [] })],
    [
      'a push of a manifest that may lack blobs',
      () => registry.manifests.put(a, image, { tags: [], isSparse: true }),
    ],
    ['a push of the blob', () => put(registry, layer)],
    ['a mount of the blob', () => registry.blobs.mount(a, digestOf(layer), b)],
  ])('%s takes back what is condemned', async (_what, push) => {
    for (const name of [a, b])
      for (const bytes of [layer, config]) await put(registry, bytes, name);
    await collectOn(2, registry);
    expect(await linkOf(store, layer)).toEqual({ kinds: ['blob'], condemned: true });
    itIs(4);
    await push();
    expect(await linkOf(store, layer)).toEqual({ kinds: ['blob'] });
    await collectOn(4.1, registry);
    expect(await registry.blobs.size(a, digestOf(layer))).toBe(layer.byteLength);
  });

  test('what goes is given back to its quota, once', async () => {
    const quotas = { quotas: [{ namespace: 'a', maxBytes: 1000 }], isAlone: true };
    const limited = createHostedRegistry(store, { quotas });
    const used = async (): Promise<number | undefined> => {
      for await (const usage of limited.quotas.usages()) return usage.used;
      return undefined;
    };
    for (const bytes of [layer, config]) await put(limited, bytes);
    await limited.manifests.put(a, imageOf({ layers: [] }), { tags: [] });
    const before = await used();
    for (const days of [2, 4, 6]) await collectOn(days, limited);
    expect(await used()).toBe((before ?? 0) - layer.byteLength);
  });

  test('a dry run tells of the same, also where repositories share what goes', async () => {
    for (const name of [a, b]) await put(registry, layer, name);
    await pushImage(registry, b);
    await put(registry, bytesOf('of both'), a);
    await put(registry, bytesOf('of both'), b);
    for (const days of [2, 4]) {
      const { links: dry } = await collectOn(days, registry, true);
      expect((await collectOn(days, registry, true)).links).toEqual(dry);
      expect((await collectOn(days, registry)).links).toEqual(dry);
    }
    const { links } = await collectOn(4, registry);
    expect(links).toMatchObject({ removed: 0, condemned: 0 });
    expect(await linkOf(store, layer)).toBeUndefined();
  });

  test('a link that somebody writes while it goes stays', async () => {
    await put(registry, layer);
    await collectOn(2, registry);
    itIs(4);
    const entries = store.entries.bind(store);
    store.entries = async function* (prefix, options) {
      for await (const entry of entries(prefix, options)) {
        if (entry.key.startsWith(keys.allLinks)) await put(registry, layer);
        yield entry;
      }
    };
    await createHostedRegistry(store).collection.collect();
    expect(await registry.blobs.size(a, digestOf(layer))).toBe(layer.byteLength);
  });

  test('a full disk leaves what is not condemned yet, and gives back what is', async () => {
    await put(registry, layer);
    await collectOn(2, registry);
    await put(registry, config);
    itIs(4);
    const write = store.put.bind(store);
    vi.spyOn(store, 'put').mockImplementation(async (key, body, options) => {
      for await (const chunk of body)
        if (chunk.byteLength > 0) throw new OciError('STORAGE_FULL', 'the disk is full');
      return write(key, bodyOf(new Uint8Array()), options);
    });
    Object.defineProperty(store, 'isExclusive', { value: true });
    const { links } = await collectOn(4, createHostedRegistry(store));
    expect(links).toMatchObject({ removed: 1, condemned: 0, bytes: layer.byteLength });
  });

  test('a push that takes half a day is refused, and leaves nothing', async () => {
    for (const bytes of [layer, config]) await put(registry, bytes);
    const now = performance.now.bind(performance);
    let passed = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now() + passed);
    const write = store.put.bind(store);
    store.put = (key, body, options) => {
      if (key === keys.manifest(a, image.descriptor.digest)) passed = day / 2 + 1;
      return write(key, body, options);
    };
    const push = createHostedRegistry(store).manifests.put(a, image, { tags: [latest] });
    await expect(push).rejects.toMatchObject({ code: 'TIMEOUT' });
    for (const prefix of [keys.manifests(a), keys.tags(a)])
      expect(await keysOf(store, prefix)).toEqual([]);
  });

  test('a collection that is interrupted anywhere goes on with the next one', async () => {
    for (let steps = 0; ; steps += 1) {
      const each = createStore();
      itIs(0);
      await pushImage(createHostedRegistry(each), b);
      for (const name of [a, b]) await put(createHostedRegistry(each), bytesOf('unnamed'), name);
      await collectOn(2, createHostedRegistry(each));
      const ending = new AbortController();
      const counted = endingAt(each, steps, () => ending.abort());
      itIs(4);
      const pass = createHostedRegistry(counted).collection.collect({ signal: ending.signal });
      const outcome = await pass.catch((error: { code: string }) => error.code);
      expect(await lacking(each)).toEqual([]);
      await collectOn(4, createHostedRegistry(each));
      expect(await lacking(each)).toEqual([]);
      expect(await keysOf(each, keys.links(digestOf(bytesOf('unnamed'))))).toEqual([]);
      expect(await keysOf(each, keys.allContent)).toHaveLength(3);
      if (outcome !== 'ABORTED') return;
    }
  }, 120_000);

  /** On a day when their blobs are condemned. */
  async function begin(memory: ObjectStore): Promise<void> {
    for await (const key of memory.list('')) await memory.delete(key);
    itIs(0);
    const first = createHostedRegistry(memory);
    for (const name of [a, b]) for (const bytes of [layer, config]) await put(first, bytes, name);
    await collectOn(2, first);
    itIs(4);
  }

  test.each(Object.keys(steps))(
    'no manifest lacks a blob after %s between any two steps of a collection, or the other way round',
    async (what) => {
      const memory = createStore();
      const stepped = new SteppedStore(memory);
      const [whole, paused] = [createHostedRegistry(memory), createHostedRegistry(stepped.store)];
      const step = (of: HostedRegistry) => steps[what]?.(of);
      const collect = (of: HostedRegistry) => of.collection.collect();
      for (const [run, meanwhile] of [
        [collect, step],
        [step, collect],
      ] as const)
        for (let at = 1, isPaused = true; isPaused; at += 1) {
          await begin(memory);
          isPaused = false;
          stepped.pauseAt(at, async () => {
            isPaused = true;
            await meanwhile(whole);
          });
          await run(paused);
          expect({ at, lacking: await lacking(memory) }).toEqual({ at, lacking: [] });
        }
    },
  );

  test(
    'no manifest lacks a blob, whatever collections, pushes, mounts and deletions meet',
    async () => {
      const step = fc.record({
        what: fc.constantFrom(...Object.keys(steps)),
        replica: fc.constantFrom(0, 1),
      });
      const days = fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), {
        minLength: 1,
        maxLength: 3,
      });
      const passing = { what: 'collect', replica: 0 };
      const property = fc.asyncProperty(fc.scheduler(), days, async (scheduler, all) => {
        itIs(0);
        const memory = createStore();
        const replicas = [1, 2].map(() => createHostedRegistry(scheduledStore(memory, scheduler)));
        const first = createHostedRegistry(memory);
        for (const name of [a, b])
          for (const bytes of [layer, config]) await put(first, bytes, name);
        await collectOn(1.5, first);
        // A day passes between two arrays: no push may take half of that.
        for (const [at, taken] of all.entries()) {
          itIs(1.5 * (at + 2));
          const work = [...taken, passing].map(async ({ what, replica }) => {
            await scheduler.schedule(Promise.resolve(), `begin ${what}`);
            await steps[what]?.(replicas[replica] as HostedRegistry);
          });
          await finish(scheduler, Promise.all(work));
          expect(await lacking(memory)).toEqual([]);
        }
        for (const name of [a, b]) await first.manifests.delete(name, image.descriptor.digest);
        for (const more of [1, 3]) await collectOn(1.5 * all.length + more + 2, first);
        expect(await keysOf(memory, keys.allLinks)).toEqual([]);
        expect(await keysOf(memory, keys.allContent)).toEqual([]);
      });
      await fc.assert(property, { numRuns });
    },
    20_000 + numRuns * 2000,
  );
});

/** A store that lets so many requests pass before work is ended. */
function endingAt(store: ObjectStore, requests: number, end: () => void): ObjectStore {
  let left = requests;
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...given: unknown[]): unknown => {
        if ((left -= 1) < 0) end();
        return Reflect.apply(value, target, given);
      };
    },
  });
}
