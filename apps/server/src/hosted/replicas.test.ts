import { type ObjectStore, createMemoryObjectStore } from '@oci/cache';
import {
  type Digest,
  type RepositoryName,
  type ResolvedManifest,
  mediaTypes,
  parseRepositoryName,
  parseTag,
} from '@oci/spec-types';
import { describeManifest, digestOf } from '@oci/spec-types/node';
import { bytesOf } from '@oci/testing';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { finish, scheduledStore } from '../../test/scheduled-store.js';
import { type HostedRegistry, createHostedRegistry } from './hosted-registry.js';
import { bytes as bodyOf } from './json-object.js';

const [a, b] = [parseRepositoryName('a'), parseRepositoryName('b')];
const numRuns = Number(process.env['OCI_SOAK_INTERLEAVINGS'] ?? 40);
const patience = 20_000 + numRuns * 2000;

/** Memory as it is, and as a bucket that cannot delete under a condition. */
const stores = [
  ['with conditional deletions', createMemoryObjectStore],
  [
    'without conditional deletions',
    (): ObjectStore => Object.assign(createMemoryObjectStore(), { deleteVersion: undefined }),
  ],
] as const;

/** Registries that know of each other only what is in the store. */
function replicas(store: ObjectStore, scheduler: fc.Scheduler): readonly HostedRegistry[] {
  return [1, 2].map(() => createHostedRegistry(scheduledStore(store, scheduler)));
}

const replica = fc.constantFrom(0, 1);

describe.each(stores)('two processes on one store %s', (_, createStore) => {
  test(
    'lose no blob that one of them has said it has',
    async () => {
      const content = bytesOf('content');
      const descriptor = { digest: digestOf(content), size: content.byteLength };
      const step = fc.record({
        what: fc.constantFrom('push', 'mount', 'delete', 'collect'),
        name: fc.constantFrom(a, b),
        replica,
      });
      const property = fc.asyncProperty(
        fc.scheduler(),
        fc.array(step, { minLength: 2, maxLength: 6 }),
        async (scheduler, steps) => {
          const memory = createStore();
          await createHostedRegistry(memory).blobs.put(a, { descriptor, body: bodyOf(content) });
          const registries = replicas(memory, scheduler);
          const other = (name: RepositoryName): RepositoryName => (name === a ? b : a);
          const had = new Set<RepositoryName>([a]);
          const deleted = new Set<RepositoryName>();
          const work = steps.map(async ({ what, name, replica: at }) => {
            await scheduler.schedule(Promise.resolve(), `begin ${what}`);
            const registry = registries[at];
            if (!registry) return;
            const { blobs } = registry;
            if (what === 'push') await blobs.put(name, { descriptor, body: bodyOf(content) });
            if (what === 'collect') await registry.collection.collect();
            if (what === 'delete') {
              deleted.add(name);
              await blobs.unlink(name, descriptor.digest);
            }
            const isThere =
              what === 'push' ||
              (what === 'mount' && (await blobs.mount(name, descriptor.digest, other(name))));
            if (isThere) had.add(name);
          });
          await finish(scheduler, Promise.all(work));
          const { blobs } = createHostedRegistry(memory);
          for (const name of had) {
            if (deleted.has(name)) continue;
            const found = await blobs.find(name, descriptor.digest);
            expect({ name, isIntact: found && (await blobs.isIntact(found)) }).toEqual({
              name,
              isIntact: true,
            });
          }
        },
      );
      await fc.assert(property, { numRuns });
    },
    patience,
  );

  test(
    'leave no tag and no referrer that leads to nothing',
    async () => {
      const tag = parseTag('latest');
      const step = fc.record({
        what: fc.constantFrom('put', 'delete', 'delete tag', 'collect'),
        manifest: fc.constantFrom(one, two),
        replica,
      });
      const property = fc.asyncProperty(
        fc.scheduler(),
        fc.array(step, { minLength: 2, maxLength: 5 }),
        async (scheduler, steps) => {
          const memory = createStore();
          await createHostedRegistry(memory).manifests.put(a, one, { tags: [tag] });
          const registries = replicas(memory, scheduler);
          const work = steps.map(async ({ what, manifest, replica: at }) => {
            await scheduler.schedule(Promise.resolve(), `begin ${what}`);
            const registry = registries[at];
            if (!registry) return;
            const { manifests } = registry;
            if (what === 'put') await manifests.put(a, manifest, { tags: [tag] });
            else if (what === 'delete') await manifests.delete(a, manifest.descriptor.digest);
            else if (what === 'collect') await registry.collection.collect();
            else await manifests.deleteTag(a, tag);
          });
          await finish(scheduler, Promise.all(work));
          await expectWhole(memory);
        },
      );
      await fc.assert(property, { numRuns });
    },
    patience,
  );

  test(
    'let one of many win who move a tag from the state that they have seen',
    async () => {
      const tag = parseTag('latest');
      const property = fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const memory = createStore();
        const registries = replicas(memory, scheduler);
        const refused = new Error('412');
        const reference = { tag };
        const state = (current: Digest | undefined): void => {
          if (current !== undefined) throw refused;
        };
        const puts = [one, two, one, two].map(async (manifest, at) => {
          const registry = registries[at % 2];
          await registry?.manifests.put(a, manifest, { tags: [tag], check: { reference, state } });
        });
        const outcomes = await finish(scheduler, Promise.allSettled(puts));
        expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
        const reasons = outcomes.flatMap((outcome) =>
          outcome.status === 'rejected' ? [outcome.reason as unknown] : [],
        );
        expect(reasons).toEqual([refused, refused, refused]);
      });
      await fc.assert(property, { numRuns });
    },
    patience,
  );
});

const subject = digestOf(bytesOf('subject'));
const [one, two] = ['1', '2'].map((text): ResolvedManifest => {
  const document = {
    schemaVersion: 2,
    mediaType: mediaTypes.imageIndex,
    manifests: [],
    subject: { mediaType: mediaTypes.imageManifest, digest: subject, size: 7 },
    annotations: { text },
  };
  return describeManifest(bytesOf(JSON.stringify(document)));
}) as [ResolvedManifest, ResolvedManifest];

/** What a tag, and the list of referrers, lead to can be read by its digest. */
async function expectWhole(store: ObjectStore): Promise<void> {
  const { manifests } = createHostedRegistry(store);
  const read = async (digest: Digest): Promise<Digest | undefined> => {
    const found = await manifests.find(a, { digest });
    return found && (await manifests.read(found)).descriptor.digest;
  };
  for await (const tag of manifests.tags(a)) {
    const tagged = await manifests.resolve(a, { tag });
    expect(tagged && (await read(tagged.digest))).toBe(tagged?.digest);
    expect(tagged).toBeDefined();
  }
  for await (const { digest } of manifests.referrers(a, subject))
    expect(await read(digest)).toBe(digest);
}
