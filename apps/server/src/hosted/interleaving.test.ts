import { setImmediate as endOfTurn } from 'node:timers/promises';

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
import { bytesOf, collect, inChunks } from '@oci/testing';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { createHostedRegistry } from './hosted-registry.js';
import { bytes as bodyOf } from './json-object.js';

/** A store whose every step waits until a scheduler lets it go on. */
function scheduledStore(store: ObjectStore, scheduler: fc.Scheduler): ObjectStore {
  const step = async (name: string): Promise<void> => {
    await scheduler.schedule(Promise.resolve(), name);
  };
  async function* stepped<T>(name: string, items: AsyncIterable<T>): AsyncGenerator<T> {
    for await (const item of items) {
      await step(name);
      yield item;
    }
  }
  return {
    async head(key) {
      await step(`head ${key}`);
      return store.head(key);
    },
    async get(key, options) {
      await step(`get ${key}`);
      const object = await store.get(key, options);
      return object && { ...object, body: stepped(`read ${key}`, object.body) };
    },
    async put(key, body, options) {
      await step(`put ${key}`);
      return store.put(key, stepped(`write ${key}`, body), options);
    },
    list: (prefix, options) => stepped(`list ${prefix}`, store.list(prefix, options)),
    async delete(key) {
      await step(`delete ${key}`);
      await store.delete(key);
    },
    async join(keys, target, { check, ...options } = {}) {
      await step(`join ${target}`);
      return store.join(keys, target, {
        ...options,
        check: (body) => stepped(`check ${target}`, check ? check(body) : body),
      });
    },
  };
}

/** Lets steps go on in the scheduler's order; each time all work is at its next step that can be. */
function finish<T>(scheduler: fc.Scheduler, work: Promise<T>): Promise<T> {
  return scheduler.waitFor(work, async (step) => {
    await step();
    // The store shares questions that are asked in one turn of the event loop.
    for (let turn = 0; turn < 2; turn += 1) await endOfTurn();
  });
}

const [a, b] = [parseRepositoryName('a'), parseRepositoryName('b')];
const numRuns = 250;

async function keysOf(keys: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const key of keys) all.push(key);
  return all;
}

async function storedDigest(store: ObjectStore, digest: Digest): Promise<Digest | undefined> {
  const object = await store.get(`v1/blobs/${digest.replace(':', '/')}`);
  return object && digestOf(await collect(object.body));
}

test('whatever appends, ends and cancels interleave, a digest has the bytes that hash to it', async () => {
  const genuine = bytesOf('genuine');
  const digest = digestOf(genuine);
  const step = fc.constantFrom('genuine', 'gen', 'uine', 'evil!!!', 'commit', 'cancel');
  const property = fc.asyncProperty(
    fc.scheduler(),
    fc.array(step, { minLength: 2, maxLength: 6 }),
    async (scheduler, steps) => {
      const memory = createMemoryObjectStore();
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
});

test('whatever pushes, mounts and deletions of a blob interleave, it is there while somebody has it, and only then', async () => {
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
      const memory = createMemoryObjectStore();
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
      const holders = await keysOf(memory.list('v1/repositories/'));
      const stored = await storedDigest(memory, descriptor.digest);
      expect(stored).toBe(holders.length > 0 ? descriptor.digest : undefined);
    },
  );
  await fc.assert(property, { numRuns });
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

test('whatever changes of manifests interleave, no tag and no referrer leads to nothing', async () => {
  const tag = parseTag('latest');
  const step = fc.record({
    what: fc.constantFrom('put', 'delete', 'delete tag'),
    manifest: fc.constantFrom(one, two),
  });
  const property = fc.asyncProperty(
    fc.scheduler(),
    fc.array(step, { minLength: 2, maxLength: 6 }),
    async (scheduler, steps) => {
      const memory = createMemoryObjectStore();
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
});

/** What a tag, and the list of referrers, lead to can be read by its digest; the list misses nothing. */
async function expectWhole(store: ObjectStore): Promise<void> {
  const { manifests } = createHostedRegistry(store);
  const read = async (digest: Digest): Promise<Digest | undefined> => {
    const found = await manifests.resolve(a, { digest });
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
  const store = createMemoryObjectStore();
  const { manifests } = createHostedRegistry(store);
  const [first, last] = [parseTag('first'), parseTag('last')];
  await manifests.put(a, one, { tags: [first] });
  const before = await keysOf(store.list(''));
  const put = store.put.bind(store);
  store.put = async (key, ...more) => {
    if (key.endsWith('/last')) throw new Error('the disk is full');
    return put(key, ...more);
  };
  await expect(manifests.put(a, two, { tags: [first, last] })).rejects.toThrow('the disk is full');
  expect(await keysOf(store.list(''))).toEqual(before);
  const tagged = await manifests.resolve(a, { tag: first });
  expect(tagged?.digest).toBe(one.descriptor.digest);
});

test('a manifest that can not be read is deleted with its place among referrers', async () => {
  const store = createMemoryObjectStore();
  const { manifests } = createHostedRegistry(store);
  const { digest } = one.descriptor;
  await manifests.put(a, one, { tags: [] });
  await store.put(`v1/blobs/${digest.replace(':', '/')}`, bodyOf(bytesOf('other bytes')));
  expect(await manifests.delete(a, digest)).toBe(true);
  expect(await keysOf(store.list('v1/repositories/'))).toEqual([]);
  expect(await keysOf(store.list('v1/blobs/'))).toEqual([]);
});
