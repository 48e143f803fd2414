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
import { bytesOf, collect, inChunks, textOf } from '@oci/testing';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { finish, scheduledStore } from '../../test/scheduled-store.js';
import { createHostedRegistry } from './hosted-registry.js';
import { bytes as bodyOf } from './json-object.js';
import { keys } from './keys.js';

const [a, b] = [parseRepositoryName('a'), parseRepositoryName('b')];
/** More than the clients of one server come to in a second; by hand with thousands. */
const numRuns = Number(process.env['OCI_SOAK_INTERLEAVINGS'] ?? 40);
const patience = 20_000 + numRuns * 2000;

async function keysOf(keys: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const key of keys) all.push(key);
  return all;
}

/** What the record of a digest leads to, by its hash. */
async function storedDigest(store: ObjectStore, digest: Digest): Promise<Digest | undefined> {
  const record = await store.get(keys.content(digest));
  if (!record || record.info.size === 0) return undefined;
  const { data } = JSON.parse(textOf(await collect(record.body))) as { data: string };
  const object = await store.get(keys.data(data));
  return object && digestOf(await collect(object.body));
}

/** Keys of records that are there. */
async function liveKeys(store: ObjectStore, prefix: string): Promise<string[]> {
  const all: string[] = [];
  for await (const { key, size } of store.entries(prefix)) if (size > 0) all.push(key);
  return all;
}

/** Memory as it is, and as a bucket that cannot delete under a condition. */
const stores = [
  ['with conditional deletions', createMemoryObjectStore],
  [
    'without conditional deletions',
    (): ObjectStore => Object.assign(createMemoryObjectStore(), { deleteVersion: undefined }),
  ],
] as const;

describe.each(stores)('%s', (_, createStore) => {
  test(
    'whatever appends, ends and cancels interleave, a digest has the bytes that hash to it',
    async () => {
      const genuine = bytesOf('genuine');
      const digest = digestOf(genuine);
      const step = fc.constantFrom('genuine', 'gen', 'uine', 'evil!!!', 'commit', 'cancel');
      const property = fc.asyncProperty(
        fc.scheduler(),
        fc.array(step, { minLength: 2, maxLength: 6 }),
        async (scheduler, steps) => {
          const memory = createStore();
          const registry = createHostedRegistry(scheduledStore(memory, scheduler));
          const session = await finish(scheduler, registry.uploads.begin(a, 'me'));
          const work = steps.map((step) =>
            registry.uploads.use({ name: a, session }, async (upload) => {
              if (step === 'commit') return upload?.commit(digest);
              if (step === 'cancel') return upload?.cancel();
              return upload?.append(inChunks(bytesOf(step), 3));
            }),
          );
          await finish(scheduler, Promise.allSettled(work));
          const stored = await storedDigest(memory, digest);
          expect([undefined, digest]).toContain(stored);
          const size = await finish(scheduler, registry.blobs.size(a, digest));
          expect(size).toBe(stored && genuine.byteLength);
        },
      );
      await fc.assert(property, { numRuns });
    },
    patience,
  );

  test(
    'whatever pushes, mounts and deletions of a blob interleave, it is there while somebody has it, and only then',
    async () => {
      const content = bytesOf('content');
      const descriptor = { digest: digestOf(content), size: content.byteLength };
      const step = fc.record({
        what: fc.constantFrom('push', 'mount', 'delete'),
        name: fc.constantFrom(a, b),
      });
      const property = fc.asyncProperty(
        fc.scheduler(),
        fc.array(step, { minLength: 2, maxLength: 6 }),
        async (scheduler, steps) => {
          const memory = createStore();
          await createHostedRegistry(memory).blobs.put(a, { descriptor, body: bodyOf(content) });
          const { blobs } = createHostedRegistry(scheduledStore(memory, scheduler));
          const other = (name: RepositoryName): RepositoryName => (name === a ? b : a);
          const work = steps.map(async ({ what, name }) => {
            await scheduler.schedule(Promise.resolve(), `begin ${what}`);
            if (what === 'push') await blobs.put(name, { descriptor, body: bodyOf(content) });
            else if (what === 'mount') await blobs.mount(name, descriptor.digest, other(name));
            else await blobs.unlink(name, descriptor.digest);
          });
          await finish(scheduler, Promise.all(work));
          const holders = await liveKeys(memory, 'v2/links/');
          const stored = await storedDigest(memory, descriptor.digest);
          expect(stored).toBe(holders.length > 0 ? descriptor.digest : undefined);
        },
      );
      await fc.assert(property, { numRuns });
    },
    patience,
  );

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

  test(
    'whatever changes of manifests interleave, no tag and no referrer leads to nothing',
    async () => {
      const tag = parseTag('latest');
      const step = fc.record({
        what: fc.constantFrom('put', 'delete', 'delete tag'),
        manifest: fc.constantFrom(one, two),
      });
      const property = fc.asyncProperty(
        fc.scheduler(),
        fc.array(step, { minLength: 2, maxLength: 6 }),
        async (scheduler, steps) => {
          const memory = createStore();
          await createHostedRegistry(memory).manifests.put(a, one, { tags: [tag] });
          const { manifests } = createHostedRegistry(scheduledStore(memory, scheduler));
          const work = steps.map(async ({ what, manifest }) => {
            await scheduler.schedule(Promise.resolve(), `begin ${what}`);
            if (what === 'put') await manifests.put(a, manifest, { tags: [tag] });
            else if (what === 'delete') await manifests.delete(a, manifest.descriptor.digest);
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

  /** What a tag, and the list of referrers, lead to can be read by its digest; the list misses nothing. */
  async function expectWhole(store: ObjectStore): Promise<void> {
    const { manifests } = createHostedRegistry(store);
    const read = async (digest: Digest): Promise<Digest | undefined> => {
      const found = await manifests.find(a, { digest });
      return found && (await manifests.read(found)).descriptor.digest;
    };
    const tagged = await manifests.resolve(a, { tag: parseTag('latest') });
    expect(tagged && (await read(tagged.digest))).toBe(tagged?.digest);
    const tags = await keysOf(manifests.tags(a));
    expect(tags).toEqual(tagged ? ['latest'] : []);
    const there = await Promise.all([one, two].map(({ descriptor }) => read(descriptor.digest)));
    const listed: Digest[] = [];
    for await (const { digest } of manifests.referrers(a, subject)) listed.push(digest);
    expect(listed.sort()).toEqual(there.filter((digest) => digest !== undefined).sort());
  }

  test('a manifest whose tag can not be written leaves nothing, and moves no other tag', async () => {
    const store = createStore();
    const { manifests } = createHostedRegistry(store);
    const [first, last] = [parseTag('first'), parseTag('last')];
    await manifests.put(a, one, { tags: [first] });
    const before = await liveKeys(store, '');
    const put = store.put.bind(store);
    store.put = async (key, ...more) => {
      if (key.endsWith('/last')) throw new Error('the disk is full');
      return put(key, ...more);
    };
    await expect(manifests.put(a, two, { tags: [first, last] })).rejects.toThrow(
      'the disk is full',
    );
    expect(await liveKeys(store, '')).toEqual(before);
    const tagged = await manifests.resolve(a, { tag: first });
    expect(tagged?.digest).toBe(one.descriptor.digest);
  });

  test('a manifest that can not be read is deleted with its place among referrers', async () => {
    const store = createStore();
    const { manifests } = createHostedRegistry(store);
    const { digest } = one.descriptor;
    await manifests.put(a, one, { tags: [] });
    for (const key of await liveKeys(store, 'v2/data/'))
      await store.put(key, bodyOf(bytesOf('other bytes')));
    expect(await manifests.delete(a, digest)).toBe(true);
    expect(await liveKeys(store, '')).toEqual([keys.repository(a)]);
  });
});
