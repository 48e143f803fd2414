import { readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type Descriptor, parseRegistryHost, parseRepositoryName, parseTag } from '@oci/spec-types';
import { type ArtifactBytes, inChunks, kclPackage, temporaryDirectory } from '@oci/testing';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { type Cache, openCache } from '../src/cache.js';
import type { ReferenceKey } from '../src/cache-format.js';
import { Collector, type CollectorParts } from '../src/retention/collector.js';
import { Scan } from '../src/retention/scan.js';

const hour = 60 * 60_000;
const day = 24 * hour;
let work: Awaited<ReturnType<typeof temporaryDirectory>>;
let cache: Cache;
beforeEach(async () => {
  work = await temporaryDirectory();
  cache = await openCache(work.path);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await work.remove();
});

function keyOf(tag: string): ReferenceKey {
  const repository = parseRepositoryName('kcl/core');
  return { registry: parseRegistryHost('localhost:5000'), repository, tag: parseTag(tag) };
}

function packageOf(version: string): ArtifactBytes {
  return kclPackage({ name: 'core', version, files: { 'main.k': `a = "${version}"` } });
}

function blobsOf({ blobs, manifest }: ArtifactBytes): readonly Descriptor[] {
  return [...blobs.map(({ descriptor }) => descriptor), manifest.descriptor];
}

/** The content of an artifact, which came long ago and has no name. */
async function store(artifact: ArtifactBytes): Promise<void> {
  for (const { descriptor, bytes } of [...artifact.blobs, artifact.manifest]) {
    await cache.content.pushBlob(descriptor, inChunks(bytes, 1000));
    await utimes(cache.content.pathOf(descriptor.digest), 1, 1);
  }
}

async function name(
  key: ReferenceKey,
  { manifest: { descriptor } }: ArtifactBytes,
  at = Date.now(),
): Promise<void> {
  const { mediaType, digest, size } = descriptor;
  await cache.references.set(key, { mediaType, digest, size, resolvedAt: at, source: 'a' }, at);
  await cache.references.complete(key, descriptor);
}

async function expectHere(artifact: ArtifactBytes, isHere: boolean): Promise<void> {
  const found = await Promise.all(blobsOf(artifact).map((blob) => cache.content.hasBlob(blob)));
  expect(found).toEqual(found.map(() => isHere));
}

/** A pruning that has looked at everything, and has removed nothing yet. */
async function collectorOf(of: Cache = cache): Promise<Collector> {
  const parts = of as unknown as CollectorParts;
  const collector = await Collector.of(parts, { dryRun: false });
  collector.doomOrphans(Date.now() - hour);
  return collector;
}

const artifact = packageOf('1.0.0');

test('content that nothing leads to goes, however much of it', async () => {
  await store(artifact);
  const collector = await collectorOf();
  await collector.sweep();
  await expectHere(artifact, false);
  expect(collector.freed.blobs).toBe(3);
});

test('content that a pull reuses, which came to its end before the removal, stays', async () => {
  await store(artifact);
  const collector = await collectorOf();
  {
    await using lease = cache.lease();
    await lease.add(blobsOf(artifact).map(({ digest }) => digest));
    await name(keyOf('1.0.0'), artifact);
  }
  await collector.sweep();
  await expectHere(artifact, true);
  expect(collector.freed).toEqual({ blobs: 0, bytes: 0 });
});

test('content that a pull relies on which has named nothing yet stays', async () => {
  await store(artifact);
  const collector = await collectorOf();
  await using lease = (await openCache(work.path)).lease();
  await lease.add(blobsOf(artifact).map(({ digest }) => digest));
  await collector.sweep();
  await expectHere(artifact, true);
});

test('what a leased manifest leads to stays, as for an export', async () => {
  await store(artifact);
  const collector = await collectorOf();
  await using lease = cache.lease();
  await lease.add([artifact.manifest.descriptor.digest]);
  await collector.sweep();
  await expectHere(artifact, true);
});

test('the content of a manifest stays that was missing, and is put back before the removal', async () => {
  await store(artifact);
  await name(keyOf('1.0.0'), artifact);
  const { descriptor, bytes } = artifact.manifest;
  await rm(cache.content.pathOf(descriptor.digest));
  const collector = await collectorOf();
  await cache.content.pushBlob(descriptor, inChunks(bytes, 1000));
  await collector.sweep();
  await expectHere(artifact, true);
});

test('a referrer stays that comes before the removal', async () => {
  await store(artifact);
  await name(keyOf('1.0.0'), artifact);
  const signature = packageOf('signature');
  await store(signature);
  const collector = await collectorOf();
  await cache.referrers.add(artifact.manifest.descriptor.digest, signature.manifest.descriptor);
  await collector.sweep();
  await expectHere(signature, true);
});

test('a reference that was used since it was looked at stays', async () => {
  await store(artifact);
  await name(keyOf('1.0.0'), artifact, Date.now() - 40 * day);
  const other = await openCache(work.path);
  const look = Scan.of.bind(Scan);
  vi.spyOn(Scan, 'of').mockImplementation(async (dir) => {
    const scan = await look(dir);
    await other.references.use(keyOf('1.0.0'));
    return scan;
  });
  const report = await cache.prune({ maxUnusedDays: 30 });
  expect(report.kept).toMatchObject([{ reason: 'used recently' }]);
  await expectHere(artifact, true);
});

test('two prunings at once remove each reference once, and nothing else', async () => {
  const kept = packageOf('9.0.0');
  await store(kept);
  await name(keyOf('9.0.0'), kept);
  for (const version of ['1.0.0', '2.0.0', '3.0.0', '4.0.0']) {
    await store(packageOf(version));
    await name(keyOf(version), packageOf(version), Date.now() - 40 * day);
  }
  const caches = [cache, await openCache(work.path), await openCache(work.path)];
  const reports = await Promise.all(caches.map((one) => one.prune({ maxUnusedDays: 30 })));
  const removed = reports.flatMap((report) => report.removed.map(({ reference }) => reference));
  expect(new Set(removed).size).toBe(4);
  expect(reports.reduce((sum, { freed }) => sum + freed.blobs, 0)).toBe(8);
  await expectHere(kept, true);
  expect(await cache.index.list()).toHaveLength(1);
});

test('a file at a path goes whose reference was forgotten, and not what a pull has made anew', async () => {
  await store(artifact);
  const key = keyOf('1.0.0');
  await name(key, artifact);
  const blob = await cache.content.get(artifact.blobs[1]?.descriptor as Descriptor);
  if (!blob) throw new Error('it was just stored');
  const request = { reference: key, manifestDigest: artifact.manifest.descriptor.digest, blob };
  const { path } = await cache.files.materialize({
    ...request,
    name: { kind: 'kcl', name: 'core', version: '1.0.0' },
  });
  await utimes(path, 1, 1);
  await cache.forget(key);
  const collector = await collectorOf();
  await name(key, artifact);
  await collector.sweep();
  expect(await readdir(join(work.path, 'kcl/core/1.0.0'))).toContain('package.tar.gz');
  await cache.forget(key);
  await (await collectorOf()).sweep();
  expect(await readdir(work.path)).not.toContain('kcl');
});

test.each<[string, () => Promise<unknown>]>([
  ['content comes', () => store(packageOf('2.0.0'))],
  ['a reference comes', () => name(keyOf('2.0.0'), artifact)],
  ['a reference goes', () => cache.forget(keyOf('1.0.0'))],
  ['a rule lets something go', () => cache.pins.add(keyOf('1.0.0'))],
])('a pruning looks at nothing until %s', async (what, change) => {
  await store(artifact);
  await name(keyOf('1.0.0'), artifact, Date.now() - 20 * day);
  const look = vi.spyOn(Scan, 'of');
  const policy = { maxUnusedDays: 30, maxVersionsPerPackage: 3, maxBytes: 10_000 };
  const first = await cache.prune(policy);
  const second = await (await openCache(work.path)).prune(policy);
  expect(second).toEqual(first);
  expect(look).toHaveBeenCalledTimes(1);
  await change();
  await cache.prune(what.startsWith('a rule') ? { maxUnusedDays: 10 } : policy);
  expect(look).toHaveBeenCalledTimes(2);
});

test('what a torn note says of the last pruning does not count', async () => {
  await store(artifact);
  await cache.prune({}, { now: 0 });
  await writeFile(join(work.path, 'state/pruned'), '{"state":');
  expect((await cache.prune({})).freed.blobs).toBe(3);
  expect(await cache.prunedAt()).toBeGreaterThan(Date.now() - hour);
});
