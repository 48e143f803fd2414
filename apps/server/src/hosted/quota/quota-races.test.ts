import { type ObjectStore, createMemoryObjectStore } from '@oci/cache';
import {
  type RepositoryName,
  type ResolvedManifest,
  mediaTypes,
  parseRepositoryName,
  parseTag,
} from '@oci/spec-types';
import { describeManifest, digestOf } from '@oci/spec-types/node';
import { bytesOf, collect, textOf } from '@oci/testing';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { finish, scheduledStore } from '../../../test/scheduled-store.js';
import { type HostedRegistry, createHostedRegistry } from '../hosted-registry.js';
import { bytes as bodyOf } from '../json-object.js';
import { digestOfLinkKey, keys, repositoryOfKey } from '../keys.js';
import { QuotaExceeded } from './quota-failure.js';

const [a, b, free] = ['team/a', 'team/b', 'free/c'].map(parseRepositoryName) as [
  RepositoryName,
  RepositoryName,
  RepositoryName,
];
const team = parseRepositoryName('team');
const limit = 900;
const quotas = [{ namespace: 'team', maxBytes: limit }];
const dayMs = 24 * 60 * 60_000;
const numRuns = Number(process.env['OCI_SOAK_INTERLEAVINGS'] ?? 20);
const patience = 30_000 + numRuns * 3000;

const blobs = [100, 200, 300].map((size) => bytesOf('x'.repeat(size)));
const manifests = ['one', 'two'].map((text): ResolvedManifest => {
  const document = {
    schemaVersion: 2,
    mediaType: mediaTypes.imageIndex,
    manifests: [],
    annotations: { text: text.repeat(40) },
  };
  return describeManifest(bytesOf(JSON.stringify(document)));
});
const sizes = new Map<string, number>([
  ...blobs.map((blob) => [digestOf(blob), blob.byteLength] as const),
  ...manifests.map(({ descriptor }) => [descriptor.digest, descriptor.size] as const),
]);

/** Memory as it is, and as a bucket that cannot delete under a condition. */
const stores = [
  ['with conditional deletions', createMemoryObjectStore],
  [
    'without conditional deletions',
    (): ObjectStore => Object.assign(createMemoryObjectStore(), { deleteVersion: undefined }),
  ],
] as const;

/** Bytes that the repositories of the namespace have links to. */
async function linkedBytes(store: ObjectStore): Promise<number> {
  let sum = 0;
  for await (const { key, size } of store.entries(keys.allLinks)) {
    const digest = digestOfLinkKey(key);
    if (size > 0 && digest && repositoryOfKey(key).startsWith('team/'))
      sum += sizes.get(digest) ?? 0;
  }
  return sum;
}

/** As a namespace is listed: one that nothing was ever counted in has no record, and uses nothing. */
async function usedBytes(store: ObjectStore): Promise<number> {
  const object = await store.get(keys.quota(team));
  if (!object) return 0;
  const { older, current } = JSON.parse(textOf(await collect(object.body))) as Record<
    string,
    number
  >;
  return (older ?? 0) + (current ?? 0);
}

/** Looks behind every change of links and quotas. */
function watched(store: ObjectStore, look: () => Promise<void>): ObjectStore {
  const watching = async <T>(key: string, change: Promise<T>): Promise<T> => {
    const result = await change;
    if (key.startsWith(keys.allLinks) || key.startsWith(keys.quotas)) await look();
    return result;
  };
  const { deleteVersion } = store;
  return {
    head: (key) => store.head(key),
    get: (key, options) => store.get(key, options),
    list: (prefix, options) => store.list(prefix, options),
    entries: (prefix, options) => store.entries(prefix, options),
    join: (from, target, options) => store.join(from, target, options),
    async put(key, body, options) {
      if (key.endsWith('/fail')) throw new Error('the disk is full');
      return watching(key, store.put(key, body, options));
    },
    delete: (key) => watching(key, store.delete(key)),
    deleteVersion:
      deleteVersion && ((key, version) => watching(key, deleteVersion.call(store, key, version))),
  };
}

const step = fc.record({
  what: fc.constantFrom(
    'push',
    'push',
    'mount',
    'mount from outside',
    'delete',
    'put',
    'put, and fail',
    'delete manifest',
    'count',
  ),
  item: fc.nat({ max: 2 }),
  name: fc.constantFrom(a, b),
  replica: fc.constantFrom(0, 1, 2),
});

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

async function take(registry: HostedRegistry, { what, item, name }: Step): Promise<void> {
  const blob = blobs[item] ?? bytesOf('');
  const digest = digestOf(blob);
  const manifest = manifests[item % 2] as ResolvedManifest;
  const tag = parseTag(what === 'put' ? 'latest' : 'fail');
  switch (what) {
    case 'push': {
      const descriptor = { digest, size: blob.byteLength };
      await registry.blobs.put(name, { descriptor, body: bodyOf(blob) });
      return;
    }
    case 'mount':
      await registry.blobs.mount(name, digest, name === a ? b : a);
      return;
    case 'mount from outside':
      await registry.blobs.mount(name, digest, free);
      return;
    case 'delete':
      await registry.blobs.unlink(name, digest);
      return;
    case 'delete manifest':
      await registry.manifests.delete(name, manifest.descriptor.digest);
      return;
    case 'count':
      await registry.quotas.count({ now: Date.now() + 2 * dayMs });
      return;
    default:
      await registry.manifests.put(name, manifest, { tags: [tag] });
  }
}

function isExpected(error: unknown): boolean {
  return (
    error instanceof QuotaExceeded || (error as { message?: string }).message === 'the disk is full'
  );
}

async function pushAll(registry: HostedRegistry, name: RepositoryName): Promise<void> {
  for (const blob of blobs) {
    const descriptor = { digest: digestOf(blob), size: blob.byteLength };
    await registry.blobs.put(name, { descriptor, body: bodyOf(blob) });
  }
}

/** Counts when nothing is under way: the first count ends the present era, the second one sums it up. */
async function settle(store: ObjectStore): Promise<void> {
  const registry = createHostedRegistry(store, { quotas: { quotas } });
  for (const days of [4, 6]) await registry.quotas.count({ now: Date.now() + days * dayMs });
}

describe.each(stores)('three processes on one store %s', (_, createStore) => {
  test(
    'never link more than the quota, and know how much that is',
    async () => {
      const property = fc.asyncProperty(
        fc.scheduler(),
        fc.array(step, { minLength: 3, maxLength: 8 }),
        async (scheduler, steps) => {
          const memory = createStore();
          const first = createHostedRegistry(memory, { quotas: { quotas } });
          await pushAll(first, free);
          await take(first, { what: 'push', item: 2, name: a, replica: 0 });
          await take(first, { what: 'put', item: 0, name: a, replica: 0 });
          // What is pushed from now on is of an era of its own, so that a count can sum up what is here.
          await first.quotas.count({ now: Date.now() + dayMs });
          const store = watched(memory, async () => {
            const [linked, used] = [await linkedBytes(memory), await usedBytes(memory)];
            expect({ linked, isTooMuch: used > limit || linked > used }).toEqual({
              linked,
              isTooMuch: false,
            });
          });
          const registries = [0, 1, 2].map(() =>
            createHostedRegistry(scheduledStore(store, scheduler), { quotas: { quotas } }),
          );
          const work = steps.map(async (each) => {
            await scheduler.schedule(Promise.resolve(), `begin ${each.what}`);
            await take(registries[each.replica] as HostedRegistry, each);
          });
          const outcomes = await finish(scheduler, Promise.allSettled(work));
          const reasons = outcomes.flatMap((outcome) =>
            outcome.status === 'rejected' ? [outcome.reason as unknown] : [],
          );
          expect(reasons.filter((reason) => !isExpected(reason))).toEqual([]);
          // A sum that is made meanwhile may leave too much.
          if (steps.some(({ what }) => what === 'count')) await settle(memory);
          expect(await usedBytes(memory)).toBe(await linkedBytes(memory));
        },
      );
      await fc.assert(property, { numRuns });
    },
    patience,
  );

  test('count nothing where all that was there before the quota is deleted, and the next push', async () => {
    const memory = createStore();
    const before = createHostedRegistry(memory);
    for (const name of [a, b]) await take(before, { what: 'push', item: 2, name, replica: 0 });
    const registry = createHostedRegistry(memory, { quotas: { quotas } });
    const used = async (): Promise<unknown[]> => {
      const usages: unknown[] = [];
      for await (const usage of registry.quotas.usages()) usages.push(usage);
      return usages;
    };
    for (const name of [a, b]) await take(registry, { what: 'delete', item: 2, name, replica: 0 });
    await settle(memory);
    expect(await memory.head(keys.quota(team))).toBeUndefined();
    expect(await used()).toEqual([{ namespace: 'team', used: 0, limit }]);
    await take(registry, { what: 'push', item: 1, name: a, replica: 0 });
    expect(await used()).toEqual([{ namespace: 'team', used: 200, limit }]);
    expect(await usedBytes(memory)).toBe(await linkedBytes(memory));
  });

  test('count no link twice that another takes the place of while a count ends', async () => {
    const memory = createStore();
    const other = createHostedRegistry(memory, { quotas: { quotas } });
    await pushAll(other, a);
    await take(other, { what: 'push', item: 2, name: b, replica: 0 });
    await other.quotas.count({ now: Date.now() + dayMs });
    let isReplaced = false;
    const store = watched(memory, async () => {});
    const put = store.put.bind(store);
    store.put = async (key, body, options) => {
      if (key.startsWith(keys.quotas) && !isReplaced) {
        isReplaced = true;
        await take(other, { what: 'delete', item: 2, name: b, replica: 0 });
        for (const item of [0, 1]) await take(other, { what: 'push', item, name: b, replica: 0 });
      }
      return put(key, body, options);
    };
    const counting = createHostedRegistry(store, { quotas: { quotas } });
    await counting.quotas.count({ now: Date.now() + 2 * dayMs });
    expect([isReplaced, await usedBytes(memory), await linkedBytes(memory)]).toEqual([
      true,
      900,
      900,
    ]);
  });

  test(
    'count what was there before the quota, while they push',
    async () => {
      const property = fc.asyncProperty(
        fc.scheduler(),
        fc.array(step, { minLength: 2, maxLength: 5 }),
        async (scheduler, steps) => {
          const memory = createStore();
          const before = createHostedRegistry(memory);
          await pushAll(before, free);
          await take(before, { what: 'push', item: 2, name: a, replica: 0 });
          await take(before, { what: 'push', item: 2, name: b, replica: 0 });
          const store = watched(memory, async () => {
            const linked = await linkedBytes(memory);
            expect({ linked, isTooMuch: linked > limit }).toEqual({ linked, isTooMuch: false });
          });
          const registries = [0, 1, 2].map(() =>
            createHostedRegistry(scheduledStore(store, scheduler), { quotas: { quotas } }),
          );
          const work = steps.map(async (each) => {
            await scheduler.schedule(Promise.resolve(), `begin ${each.what}`);
            await take(registries[each.replica] as HostedRegistry, each);
          });
          const outcomes = await finish(scheduler, Promise.allSettled(work));
          const reasons = outcomes.flatMap((outcome) =>
            outcome.status === 'rejected' ? [outcome.reason as unknown] : [],
          );
          expect(reasons.filter((reason) => !isExpected(reason))).toEqual([]);
          await settle(memory);
          expect(await usedBytes(memory)).toBe(await linkedBytes(memory));
        },
      );
      await fc.assert(property, { numRuns });
    },
    patience,
  );
});
