import { type ObjectStore, createMemoryObjectStore } from '@oci/cache';
import { mediaTypes, parseRepositoryName, parseTag } from '@oci/spec-types';
import { describeManifest, digestOf } from '@oci/spec-types/node';
import { bytesOf, collect } from '@oci/testing';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { finish, scheduledStore } from '../../../test/scheduled-store.js';
import { SteppedStore } from '../../../test/stepped-store.js';
import type { ContentRecord } from '../content-index.js';
import { type HostedRegistry, createHostedRegistry } from '../hosted-registry.js';
import { bytes as bodyOf } from '../json-object.js';
import { keys } from '../keys.js';
import { Records } from '../records.js';
import { contentWithLinks } from './unlinked-content.js';

const numRuns = Number(process.env['OCI_SOAK_INTERLEAVINGS'] ?? 40);
const patience = 20_000 + numRuns * 2000;

const [a, b, crashed] = [
  parseRepositoryName('a'),
  parseRepositoryName('b'),
  parseRepositoryName('crashed'),
];
const tag = parseTag('latest');
const layer = bytesOf('a layer');
const blob = { digest: digestOf(layer), size: layer.byteLength };
const described = { mediaType: 'application/octet-stream', ...blob };
const manifest = describeManifest(
  bytesOf(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.imageManifest,
      config: described,
      layers: [described],
    }),
  ),
);

const put = (registry: HostedRegistry, name = a): Promise<unknown> =>
  registry.blobs.put(name, { descriptor: blob, body: bodyOf(layer) });

/** What a client does, and what has to be there when it was told that it is done. */
const steps: Readonly<Record<string, (registry: HostedRegistry) => Promise<readonly string[]>>> = {
  async push(registry) {
    await put(registry);
    return ['a blob'];
  },
  async upload({ uploads }) {
    const session = await uploads.begin(a, 'me');
    await uploads.use({ name: a, session }, async (upload) => {
      await upload?.append(bodyOf(layer));
      await upload?.commit(blob.digest);
    });
    return ['a blob'];
  },
  async mount(registry) {
    await put(registry);
    return (await registry.blobs.mount(b, blob.digest, a)) ? ['a blob', 'b blob'] : ['a blob'];
  },
  async tag(registry) {
    await put(registry);
    await registry.manifests.put(a, manifest, { tags: [tag] });
    return ['a blob', 'a manifest'];
  },
};

/** Memory as it is, and as a bucket that cannot delete under a condition. */
const stores = [
  ['with conditional deletions', createMemoryObjectStore],
  [
    'without conditional deletions',
    (): ObjectStore => Object.assign(createMemoryObjectStore(), { deleteVersion: undefined }),
  ],
] as const;

/**
 * What is left of a push that was cut off, or of a collection of it. The process knows that the data is good, so that
 * its next push writes no record of content.
 */
async function leaveUnlinked(
  registry: HostedRegistry,
  store: ObjectStore,
  isCondemned: boolean,
): Promise<void> {
  await put(registry, crashed);
  await registry.manifests.put(crashed, manifest, { tags: [] });
  const records = new Records(store);
  for (const { digest } of [blob, manifest.descriptor]) {
    await store.delete(keys.link(digest, crashed));
    if (isCondemned)
      await records.change<Record<string, unknown>>(keys.content(digest), (content) => ({
        ...content,
        condemned: true,
      }));
  }
  await store.delete(keys.manifest(crashed, manifest.descriptor.digest));
}

async function isThere(store: ObjectStore, what: string): Promise<boolean> {
  const name = what.startsWith('a') ? a : b;
  const { digest } = what.endsWith('manifest') ? manifest.descriptor : blob;
  const records = new Records(store);
  const content = await records.get<ContentRecord>(keys.content(digest));
  const data = content && (await store.get(keys.data(content.data)));
  const isTagged = !what.endsWith('manifest') || (await records.has(keys.tag(name, tag)));
  const isLinked = await records.has(keys.link(digest, name));
  return (
    isLinked && isTagged && data !== undefined && digestOf(await collect(data.body)) === digest
  );
}

describe.each(stores)('collections of one store %s', (_, createStore) => {
  test(
    'take nothing that a push, a mount or a tag of the same digest was acknowledged for',
    async () => {
      const step = fc.record({
        what: fc.constantFrom('push', 'upload', 'mount', 'tag', 'collect', 'collect'),
        replica: fc.constantFrom(0, 1),
      });
      const property = fc.asyncProperty(
        fc.scheduler(),
        fc.array(step, { minLength: 2, maxLength: 5 }),
        fc.boolean(),
        async (scheduler, taken, isCondemned) => {
          const memory = createStore();
          const registries = [1, 2].map(() =>
            createHostedRegistry(scheduledStore(memory, scheduler)),
          );
          const [first] = registries as [HostedRegistry];
          await finish(scheduler, leaveUnlinked(first, memory, isCondemned));
          const work = taken.map(async ({ what, replica }) => {
            await scheduler.schedule(Promise.resolve(), `begin ${what}`);
            const registry = registries[replica] as HostedRegistry;
            if (what !== 'collect') return (await steps[what]?.(registry)) ?? [];
            await registry.collection.collect();
            return [];
          });
          const acknowledged = (await finish(scheduler, Promise.all(work))).flat();
          const { collection } = createHostedRegistry(memory);
          await collection.collect();
          await expectAcknowledged(memory, acknowledged);
          const unlinked: string[] = [];
          for await (const item of contentWithLinks(new Records(memory), undefined))
            if ('entry' in item && !item.isLinked) unlinked.push(item.entry.key);
          expect(unlinked).toEqual([]);
        },
      );
      await fc.assert(property, { numRuns });
    },
    patience,
  );

  const cases = Object.keys(steps).flatMap((what) =>
    [false, true].map((wasCondemned) => ({ what, wasCondemned })),
  );

  test.each(cases)(
    'take nothing of a $what that happens between any two steps of theirs, condemned: $wasCondemned',
    async ({ what, wasCondemned }) => {
      const memory = createStore();
      const client = createHostedRegistry(memory);
      const stepped = new SteppedStore(memory);
      const { collection } = createHostedRegistry(stepped.store);
      for (let at = 1; ; at += 1) {
        await clear(memory);
        await leaveUnlinked(client, memory, wasCondemned);
        let acknowledged: readonly string[] | undefined;
        stepped.pauseAt(at, async () => {
          acknowledged = await steps[what]?.(client);
        });
        await collection.collect();
        if (!acknowledged) return;
        await expectAcknowledged(memory, acknowledged, at);
      }
    },
  );

  test.each(cases)(
    'take nothing of a $what between any two steps of which they happen, condemned: $wasCondemned',
    async ({ what, wasCondemned }) => {
      const memory = createStore();
      const { collection } = createHostedRegistry(memory);
      const stepped = new SteppedStore(memory);
      const client = createHostedRegistry(stepped.store);
      for (let at = 1; ; at += 1) {
        await clear(memory);
        await leaveUnlinked(client, memory, wasCondemned);
        let hasCollected = false;
        stepped.pauseAt(at, async () => {
          hasCollected = true;
          await collection.collect();
        });
        const acknowledged = (await steps[what]?.(client)) ?? [];
        if (!hasCollected) return;
        await expectAcknowledged(memory, acknowledged, at);
      }
    },
  );
});

async function clear(store: ObjectStore): Promise<void> {
  for await (const key of store.list('')) await store.delete(key);
}

/** What clients were told is there, as it lies in the store. */
async function expectAcknowledged(
  store: ObjectStore,
  acknowledged: readonly string[],
  at?: number,
): Promise<void> {
  const missing: string[] = [];
  for (const what of acknowledged) if (!(await isThere(store, what))) missing.push(what);
  expect({ missing, at }).toEqual({ missing: [], at });
}
