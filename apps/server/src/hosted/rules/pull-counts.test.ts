import { createMemoryObjectStore } from '@oci/cache';
import {
  type Digest,
  type ResolvedManifest,
  mediaTypes,
  parseRepositoryName,
} from '@oci/spec-types';
import { describeManifest } from '@oci/spec-types/node';
import { bytesOf } from '@oci/testing';
import * as fc from 'fast-check';
import { expect, test, vi } from 'vitest';

import { finish, scheduledStore } from '../../../test/scheduled-store.js';
import { createHostedRegistry } from '../hosted-registry.js';
import { keys } from '../keys.js';
import { Records } from '../records.js';
import { PullCounts } from './pull-counts.js';

const name = parseRepositoryName('team/app');
const numRuns = Number(process.env['OCI_SOAK_INTERLEAVINGS'] ?? 40);

function manifestOf(text: string): ResolvedManifest {
  const { imageIndex: mediaType } = mediaTypes;
  const document = { schemaVersion: 2, mediaType, manifests: [], annotations: { text } };
  return describeManifest(bytesOf(JSON.stringify(document)));
}

async function withManifests(count: number) {
  const store = createMemoryObjectStore();
  const registry = createHostedRegistry(store);
  const digests: Digest[] = [];
  for (let at = 0; at < count; at += 1) {
    const manifest = manifestOf(String(at));
    await registry.manifests.put(name, manifest, { tags: [] });
    digests.push(manifest.descriptor.digest);
  }
  return { store, registry, digests: digests.sort() };
}

async function listed(counts: PullCounts): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const usage of counts.list(name)) all.push(usage);
  return all;
}

test('what several processes count is added up, with the last pull of all', async () => {
  const { store, digests } = await withManifests(1);
  const [digest] = digests as [Digest];
  const counts = [1, 2, 3].map(() => new PullCounts(new Records(store)));
  counts.forEach((each, at) => {
    for (let pull = 0; pull < 10; pull += 1) each.note(name, digest, 1000 + at);
  });
  expect(await counts[0]?.find(name, digest)).toBeUndefined();
  await Promise.all(counts.map((each) => each.flush()));
  expect(await counts[0]?.find(name, digest)).toEqual({ pulls: 30, lastPulledAt: 1002 });
  counts[0]?.note(name, digest, 500);
  await counts[0]?.flush();
  expect(await counts[1]?.find(name, digest)).toEqual({ pulls: 31, lastPulledAt: 1002 });
});

test('is written by itself, and lists what was pulled in the order of digests, from any place', async () => {
  const { store, digests } = await withManifests(3);
  const counts = new PullCounts(new Records(store), { everyMs: 1 });
  for (const digest of digests.toReversed()) counts.note(name, digest, 1000);
  await vi.waitFor(async () => expect(await listed(counts)).toHaveLength(3));
  const usage = { pulls: 1, lastPulledAt: 1000 };
  expect(await listed(counts)).toEqual(digests.map((digest) => ({ digest, ...usage })));
  const rest: unknown[] = [];
  for await (const each of counts.list(name, { after: digests[1] })) rest.push(each.digest);
  expect(rest).toEqual([digests[2]]);
});

test('memory holds so many manifests and no more: a full one is written, and what is lost is told', async () => {
  const { store, digests } = await withManifests(6);
  const onLost = vi.fn<(pulls: number) => void>();
  const counts = new PullCounts(new Records(store), { most: 2, onLost });
  // The third fills what is counted while the first two are written; the fifth finds no room.
  for (const digest of digests.slice(0, 5)) counts.note(name, digest, 1000);
  counts.note(name, digests[2] as Digest, 1001);
  await counts.flush();
  expect(onLost.mock.calls).toEqual([[1]]);
  expect(await listed(counts)).toHaveLength(4);
});

test('pulls that find no room do not each wait for what is being written', async () => {
  const { store, digests } = await withManifests(3);
  let flushes = 0;
  class Counting extends PullCounts {
    override flush(): Promise<void> {
      flushes += 1;
      return super.flush();
    }
  }
  const counts = new Counting(new Records(store), { most: 1 });
  for (let pull = 0; pull < 100; pull += 1) counts.note(name, digests[pull % 3] as Digest, 1000);
  expect(flushes).toBe(1);
  await counts.flush();
});

test('what cannot be written is written with the next', async () => {
  const { store, digests } = await withManifests(2);
  const put = store.put.bind(store);
  let isAway = true;
  store.put = (...args) => (isAway ? Promise.reject(new Error('the disk is away')) : put(...args));
  const counts = new PullCounts(new Records(store));
  for (const digest of digests) counts.note(name, digest, 1000);
  await counts.flush();
  isAway = false;
  counts.note(name, digests[0] as Digest, 2000);
  await counts.flush();
  expect(await listed(counts)).toEqual([
    { digest: digests[0], pulls: 2, lastPulledAt: 2000 },
    { digest: digests[1], pulls: 1, lastPulledAt: 1000 },
  ]);
});

test('a manifest that is not hosted has no usage, and one that is deleted none any more', async () => {
  const { store, registry, digests } = await withManifests(1);
  const [digest] = digests as [Digest];
  const counts = new PullCounts(new Records(store));
  counts.note(name, manifestOf('none').descriptor.digest);
  counts.note(name, digest);
  await counts.flush();
  expect(await listed(counts)).toHaveLength(1);
  await registry.manifests.delete(name, digest);
  expect(await listed(counts)).toEqual([]);
});

test('a count that is written while its manifest is deleted is removed again', async () => {
  const { store, registry, digests } = await withManifests(1);
  const [digest] = digests as [Digest];
  const put = store.put.bind(store);
  store.put = async (key, ...more) => {
    if (key === keys.usage(name, digest)) await registry.manifests.delete(name, digest);
    return put(key, ...more);
  };
  const counts = new PullCounts(new Records(store));
  counts.note(name, digest);
  await counts.flush();
  expect(await registry.manifests.find(name, { digest })).toBeUndefined();
  expect(await listed(counts)).toEqual([]);
});

test('whatever pulls, writes and deletions interleave, usage is left of no manifest that is gone', async () => {
  const manifest = manifestOf('1');
  const { digest } = manifest.descriptor;
  const step = fc.record({
    what: fc.constantFrom('flush', 'delete', 'put'),
    replica: fc.constantFrom(0, 1),
  });
  const property = fc.asyncProperty(
    fc.scheduler(),
    fc.array(step, { minLength: 2, maxLength: 5 }),
    async (scheduler, steps) => {
      const memory = createMemoryObjectStore();
      await createHostedRegistry(memory).manifests.put(name, manifest, { tags: [] });
      const registries = [1, 2].map(() => createHostedRegistry(scheduledStore(memory, scheduler)));
      const work = steps.map(async ({ what, replica }) => {
        await scheduler.schedule(Promise.resolve(), `begin ${what}`);
        const registry = registries[replica];
        if (what === 'put') await registry?.manifests.put(name, manifest, { tags: [] });
        if (what === 'delete') await registry?.manifests.delete(name, digest);
        if (what === 'flush') registry?.pulls.note(name, digest, 1000);
        await registry?.pulls.flush();
      });
      await finish(scheduler, Promise.all(work));
      const { manifests, pulls } = createHostedRegistry(memory);
      const isThere = (await manifests.find(name, { digest })) !== undefined;
      expect(isThere ? [] : await listed(pulls)).toEqual([]);
    },
  );
  await fc.assert(property, { numRuns });
}, 120_000);
