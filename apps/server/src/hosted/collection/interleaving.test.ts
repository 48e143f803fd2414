import { type ObjectStore, createMemoryObjectStore } from '@oci/cache';
import { mediaTypes, parseRepositoryName, parseTag } from '@oci/spec-types';
import { describeManifest, digestOf } from '@oci/spec-types/node';
import { bytesOf } from '@oci/testing';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { finish, scheduledStore } from '../../../test/scheduled-store.js';
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

/** What processes leave that are killed in the middle of a push, and in the middle of a collection of it. */
async function leaveUnlinked(store: ObjectStore, isCondemned: boolean): Promise<void> {
  const registry = createHostedRegistry(store);
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

async function isThere(registry: HostedRegistry, what: string): Promise<boolean> {
  const name = what.startsWith('a') ? a : b;
  if (what.endsWith('manifest')) {
    const found = await registry.manifests.find(name, { tag });
    return found !== undefined && (await registry.manifests.read(found)).kind === 'image';
  }
  const found = await registry.blobs.find(name, blob.digest);
  return found !== undefined && registry.blobs.isIntact(found);
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
          await leaveUnlinked(memory, isCondemned);
          const registries = [1, 2].map(() =>
            createHostedRegistry(scheduledStore(memory, scheduler)),
          );
          const work = taken.map(async ({ what, replica }) => {
            await scheduler.schedule(Promise.resolve(), `begin ${what}`);
            const registry = registries[replica] as HostedRegistry;
            if (what !== 'collect') return (await steps[what]?.(registry)) ?? [];
            await registry.collection.collect();
            return [];
          });
          const acknowledged = (await finish(scheduler, Promise.all(work))).flat();
          const fresh = createHostedRegistry(memory);
          await fresh.collection.collect();
          const missing: string[] = [];
          for (const what of acknowledged) if (!(await isThere(fresh, what))) missing.push(what);
          expect(missing).toEqual([]);
          for await (const { entry, isLinked } of contentWithLinks(new Records(memory), undefined))
            expect({ key: entry.key, isLinked }).toEqual({ key: entry.key, isLinked: true });
        },
      );
      await fc.assert(property, { numRuns });
    },
    patience,
  );
});
