import { mkdir, readFile, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type Descriptor, parseRegistryHost, parseRepositoryName, parseTag } from '@oci/spec-types';
import {
  type ArtifactBytes,
  type BlobBytes,
  compile,
  image,
  inChunks,
  kclPackage,
  startProgram,
  temporaryDirectory,
} from '@oci/testing';
import { expect, test } from 'vitest';

import { type Cache, openCache } from '../cache.js';
import { type ReferenceKey, referenceKey } from '../cache-format.js';

const day = 24 * 60 * 60_000;
const now = Date.now();

function keyOf(repository: string, tag: string): ReferenceKey {
  return {
    registry: parseRegistryHost('localhost:5000'),
    repository: parseRepositoryName(repository),
    tag: parseTag(tag),
  };
}

/** The blobs of an artifact, and its manifest. */
function allOf({ blobs, manifest }: ArtifactBytes): readonly BlobBytes[] {
  return [...blobs, { descriptor: manifest.descriptor, bytes: manifest.bytes }];
}

/** What a pull does: an artifact under a tag, that came and was used at some time. */
async function add(
  cache: Cache,
  key: ReferenceKey,
  artifact: ArtifactBytes,
  at: number = now,
): Promise<void> {
  const { descriptor } = artifact.manifest;
  for (const { descriptor: blob, bytes } of allOf(artifact))
    await cache.content.pushBlob(blob, inChunks(bytes, 10_000));
  const { mediaType, digest, size } = descriptor;
  const entry = { mediaType, digest, size, resolvedAt: at, source: key.registry };
  await cache.references.set(key, entry, at);
  await cache.references.complete(key, descriptor);
}

function packageOf(name: string, version: string): ArtifactBytes {
  return kclPackage({ name, version, files: { 'main.k': `a = "${name} ${version}"` } });
}

async function tags(cache: Cache): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of cache.references.list()) found.push(`${key.repository}:${key.tag}`);
  return found.sort();
}

async function expectWhole(cache: Cache): Promise<void> {
  const listed = (await cache.index.list()).map(
    (entry) => entry.annotations?.['org.opencontainers.image.ref.name'] ?? '',
  );
  expect(listed.sort()).toEqual((await tags(cache)).map((tag) => `localhost:5000/${tag}`));
  for (const entry of await cache.index.list()) {
    const manifest = await cache.content.get(entry);
    expect(manifest).toBeDefined();
    const { config, layers } = JSON.parse(await readFile(manifest?.path ?? '', 'utf8')) as {
      config: Descriptor;
      layers: Descriptor[];
    };
    for (const blob of [config, ...layers]) expect(await cache.content.hasBlob(blob)).toBe(true);
  }
}

test('removes what came too long ago, and what only that needed', async () => {
  await using directory = await temporaryDirectory();
  const cache = await openCache(directory.path);
  await add(cache, keyOf('kcl/core', '1.0.0'), packageOf('core', '1.0.0'), now - 40 * day);
  await add(cache, keyOf('kcl/core', '2.0.0'), packageOf('core', '2.0.0'), now - 2 * day);
  const report = await cache.prune({ maxAgeDays: 30 });
  expect(report.removed).toMatchObject([
    { reference: 'localhost:5000/kcl/core:1.0.0', reason: 'age' },
  ]);
  // The empty config is the other version's too.
  expect(report.freed.blobs).toBe(2);
  expect(await tags(cache)).toEqual(['kcl/core:2.0.0']);
  await expectWhole(cache);
  expect(await cache.usage()).toEqual({
    blobs: 3,
    bytes: (await cache.stats()).bytes,
  });
});

test('removes what was not used for too long, whenever it came', async () => {
  await using directory = await temporaryDirectory();
  const cache = await openCache(directory.path);
  const [used, unused] = [keyOf('kcl/core', '1.0.0'), keyOf('kcl/core', '2.0.0')];
  await add(cache, used, packageOf('core', '1.0.0'), now - 40 * day);
  await add(cache, unused, packageOf('core', '2.0.0'), now - 40 * day);
  await (await openCache(directory.path)).references.use(used);
  const report = await cache.prune({ maxUnusedDays: 30 });
  expect(report.removed).toMatchObject([
    { reference: 'localhost:5000/kcl/core:2.0.0', reason: 'unused' },
  ]);
  await expectWhole(cache);
});

test('keeps so many references of each repository, those that were used last', async () => {
  await using directory = await temporaryDirectory();
  const cache = await openCache(directory.path);
  for (const [version, age] of [
    ['1.0.0', 5],
    ['1.1.0', 1],
    ['1.2.0', 3],
    ['1.3.0', 4],
  ] as const)
    await add(cache, keyOf('kcl/core', version), packageOf('core', version), now - age * day);
  await add(cache, keyOf('kcl/other', '1.0.0'), packageOf('other', '1.0.0'), now - 9 * day);
  const report = await cache.prune({ maxVersionsPerPackage: 2 });
  expect(report.removed.map(({ reference }) => reference).sort()).toEqual([
    'localhost:5000/kcl/core:1.0.0',
    'localhost:5000/kcl/core:1.3.0',
  ]);
  await add(cache, keyOf('kcl/core', '1.4.0'), packageOf('core', '1.4.0'), now - day / 2);
  await cache.prune({ maxVersionsPerPackage: 2 });
  expect(await tags(cache)).toEqual(['kcl/core:1.1.0', 'kcl/core:1.4.0', 'kcl/other:1.0.0']);
  // A lower limit looks at all again, also at what did not grow.
  await cache.prune({ maxVersionsPerPackage: 1 });
  expect(await tags(cache)).toEqual(['kcl/core:1.4.0', 'kcl/other:1.0.0']);
  await expectWhole(cache);
});

test('removes what was used least lately until the rest is small enough', async () => {
  await using directory = await temporaryDirectory();
  const cache = await openCache(directory.path);
  for (const age of [4, 1, 3, 2])
    await add(
      cache,
      keyOf(`kcl/p${age}`, '1.0.0'),
      image({ layers: [{ file: 'x'.repeat(1000), name: String(age) }] }),
      now - age * day,
    );
  const { bytes } = await cache.usage();
  const report = await cache.prune({ maxBytes: Math.floor(bytes / 2) + 100 });
  expect(report.removed).toMatchObject([
    { reference: 'localhost:5000/kcl/p4:1.0.0', reason: 'size' },
    { reference: 'localhost:5000/kcl/p3:1.0.0', reason: 'size' },
  ]);
  expect(report.remainingBytes).toBe((await cache.usage()).bytes);
  expect(report.freed.bytes).toBe(bytes - report.remainingBytes);
  await expectWhole(cache);
});

test('tells in a dry run what would go and why, and changes nothing', async () => {
  await using directory = await temporaryDirectory();
  const cache = await openCache(directory.path);
  const shared = packageOf('core', '1.0.0');
  await add(cache, keyOf('kcl/core', '1.0.0'), shared, now - 40 * day);
  await add(cache, keyOf('kcl/core', 'stable'), shared, now - 40 * day);
  await add(cache, keyOf('kcl/core', '2.0.0'), packageOf('core', '2.0.0'), now - 3 * day);
  const policy = { maxAgeDays: 30, maxVersionsPerPackage: 1, maxBytes: 0 };
  const before = await cache.usage();
  const dry = await cache.prune(policy, { dryRun: true });
  expect(await cache.usage()).toEqual(before);
  expect(await tags(cache)).toHaveLength(3);
  await expectWhole(cache);
  const real = await cache.prune(policy);
  expect({ ...dry, dryRun: false }).toEqual(real);
  expect(real.removed.map(({ reason }) => reason)).toEqual(['age', 'age', 'size']);
  expect(await cache.usage()).toEqual({ blobs: 0, bytes: 0 });
});

test('keeps what is pinned, what a running pull relies on, and what was used a moment ago', async () => {
  await using directory = await temporaryDirectory();
  const cache = await openCache(directory.path);
  const [pinned, leased, recent] = ['pinned', 'leased', 'recent'].map((tag) =>
    keyOf('kcl/core', tag),
  ) as [ReferenceKey, ReferenceKey, ReferenceKey];
  const pulled = packageOf('core', '2.0.0');
  await add(cache, pinned, packageOf('core', '1.0.0'), now - 40 * day);
  await add(cache, leased, pulled, now - 40 * day);
  await add(cache, recent, packageOf('core', '3.0.0'), now - 40 * day);
  await cache.pins.add(pinned);
  await (await openCache(directory.path)).references.use(recent);
  const lease = (await openCache(directory.path)).lease();
  await lease.add([pulled.manifest.descriptor.digest]);
  const report = await cache.prune({ maxAgeDays: 30 });
  expect(report.removed).toEqual([]);
  expect(report.kept.map(({ reference, reason }) => `${reference} ${reason}`).sort()).toEqual([
    'localhost:5000/kcl/core:leased in use',
    'localhost:5000/kcl/core:pinned pinned',
    'localhost:5000/kcl/core:recent used recently',
  ]);
  await lease.release();
  await cache.pins.remove(pinned);
  expect((await cache.prune({ maxAgeDays: 30, graceMs: 0 })).removed).toHaveLength(3);
  expect(await tags(cache)).toEqual([]);
});

test('keeps a blob that another process is about to use, and removes it when nobody does', async () => {
  await using directory = await temporaryDirectory();
  const cache = await openCache(directory.path);
  const artifact = packageOf('core', '1.0.0');
  const layer = artifact.blobs[1]?.descriptor as Descriptor;
  await add(cache, keyOf('kcl/core', '1.0.0'), artifact, now - 40 * day);
  const lease = cache.lease();
  await lease.add([layer.digest]);
  await cache.prune({ maxAgeDays: 30 });
  expect(await tags(cache)).toEqual([]);
  expect(await cache.content.hasBlob(layer)).toBe(true);
  await lease.release();
  await cache.prune({}, { now: Date.now() + 2 * 60 * 60_000 });
  expect(await cache.content.hasBlob(layer)).toBe(false);
});

test('forgets the lease of a process that was killed', async () => {
  await using directory = await temporaryDirectory();
  const cacheDir = join(directory.path, 'cache');
  const cache = await openCache(cacheDir);
  const artifact = packageOf('core', '1.0.0');
  await add(cache, keyOf('kcl/core', '1.0.0'), artifact, now - 40 * day);
  const program = await compile(
    `import { openCache } from '../cache.js';
     const lease = (await openCache(process.argv[2])).lease();
     await lease.add([process.argv[3]]);
     process.stdout.write('leased');
     setInterval(() => {}, 1000);`,
    { from: import.meta.url, directory: directory.path },
  );
  const args = [program, cacheDir, artifact.manifest.descriptor.digest];
  const child = startProgram(process.execPath, args);
  await child.says('leased');
  expect((await cache.prune({ maxAgeDays: 30 })).kept).toMatchObject([{ reason: 'in use' }]);
  child.kill();
  await child.end;
  expect((await cache.prune({ maxAgeDays: 30 })).removed).toHaveLength(1);
});

test('lets nobody begin to use what is just being removed', async () => {
  await using directory = await temporaryDirectory();
  const cache = await openCache(directory.path);
  const artifact = packageOf('core', '1.0.0');
  const key = keyOf('kcl/core', '1.0.0');
  for (let round = 0; round < 10; round += 1) {
    await add(cache, key, artifact, now - 40 * day);
    const use = async (): Promise<boolean> => {
      await using lease = cache.lease();
      await lease.add(allOf(artifact).map(({ descriptor }) => descriptor.digest));
      const present = await cache.content.hasBlob(artifact.manifest.descriptor);
      // Whatever it found stays as long as it relies on it.
      for (const { descriptor } of present ? allOf(artifact) : [])
        expect(await cache.content.hasBlob(descriptor)).toBe(true);
      return present;
    };
    await Promise.all([cache.prune({ maxAgeDays: 30 }), use(), use()]);
  }
});

test('removes views with their reference, and not what another shows there', async () => {
  await using directory = await temporaryDirectory();
  const cache = await openCache(directory.path);
  for (const repository of ['kcl/core', 'other/core']) {
    const key = keyOf(repository, '1.0.0');
    const artifact = packageOf(repository, '1.0.0');
    await add(cache, key, artifact, repository === 'kcl/core' ? now - 40 * day : now);
    const blob = await cache.content.get(artifact.blobs[1]?.descriptor as Descriptor);
    if (!blob) throw new Error('it was just stored');
    const name = { kind: 'kcl', name: 'core', version: '1.0.0' } as const;
    const manifestDigest = artifact.manifest.descriptor.digest;
    await cache.files.materialize({ name, reference: key, manifestDigest, blob });
    if (repository === 'kcl/core')
      await cache.files.materialize({
        name: { ...name, version: '0.9.0' },
        reference: key,
        manifestDigest,
        blob,
      });
  }
  await cache.prune({ maxAgeDays: 30 });
  expect(await readdir(join(directory.path, 'kcl/core'))).toEqual(['1.0.0']);
  const { bytes, views } = await cache.stats();
  expect(views.count).toBe(1);
  expect((await cache.usage()).bytes).toBe(bytes + views.bytes);
});

test('removes the content of a tag that moved', async () => {
  await using directory = await temporaryDirectory();
  const cache = await openCache(directory.path);
  const key = keyOf('kcl/core', 'latest');
  const before = packageOf('core', '1.0.0');
  await add(cache, key, before);
  await add(cache, key, packageOf('core', '2.0.0'));
  await cache.prune({});
  expect(await cache.content.hasBlob(before.manifest.descriptor)).toBe(true);
  await cache.prune({}, { now: Date.now() + 2 * 60 * 60_000 });
  expect(await cache.content.hasBlob(before.manifest.descriptor)).toBe(false);
  await expectWhole(cache);
});

test('finds all again after its notes were lost', async () => {
  await using directory = await temporaryDirectory();
  const cache = await openCache(directory.path);
  const kept = packageOf('core', '2.0.0');
  await add(cache, keyOf('kcl/core', '1.0.0'), packageOf('core', '1.0.0'), now - 40 * day);
  await add(cache, keyOf('kcl/core', '2.0.0'), kept);
  const stray = packageOf('stray', '1.0.0').blobs[1];
  if (stray) await cache.content.pushBlob(stray.descriptor, inChunks(stray.bytes, 1000));
  await rm(join(directory.path, 'state'), { recursive: true });
  await writeFile(join(directory.path, 'index.json'), '{"torn');
  const again = await openCache(directory.path);
  expect(await again.verify()).toMatchObject({ damaged: [], finished: true });
  expect((await again.prune({ maxAgeDays: 30 })).removed).toHaveLength(1);
  await again.prune({}, { now: Date.now() + 2 * 60 * 60_000 });
  expect(stray && (await again.content.hasBlob(stray.descriptor))).toBe(false);
  await expectWhole(again);
  expect(await again.usage()).toEqual({ blobs: 3, bytes: (await again.stats()).bytes });
});

test('goes on with a removal that was killed in the middle', async () => {
  await using directory = await temporaryDirectory();
  const cache = await openCache(directory.path);
  const artifact = packageOf('core', '1.0.0');
  const key = keyOf('kcl/core', '1.0.0');
  await add(cache, key, artifact, now - 40 * day);
  // As far as it came: the content went, its reference not yet.
  await cache.index.remove([key]);
  for (const { descriptor } of artifact.blobs) await rm(cache.content.pathOf(descriptor.digest));
  const report = await (await openCache(directory.path)).prune({ maxAgeDays: 30 });
  expect(report.removed).toHaveLength(1);
  expect(await cache.usage()).toEqual({ blobs: 0, bytes: 0 });
});

test('removes downloads and damaged blobs that nobody came back for', async () => {
  await using directory = await temporaryDirectory();
  const cache = await openCache(directory.path);
  const artifact = packageOf('core', '1.0.0');
  await add(cache, keyOf('kcl/core', '1.0.0'), artifact);
  const layer = artifact.blobs[1]?.descriptor as Descriptor;
  await writeFile(cache.content.pathOf(layer.digest), 'damaged');
  const longAgo = (now - 100 * day) / 1000;
  await utimes(cache.content.pathOf(layer.digest), longAgo, longAgo);
  expect(await cache.content.hasBlob(layer)).toBe(false);
  const partial = join(directory.path, 'partial');
  const locks = join(directory.path, '.locks', 'downloads');
  await mkdir(partial);
  for (const [name, age] of [
    ['sha256-old.partial', 8],
    ['sha256-old.journal', 8],
    ['sha256-young.partial', 1],
  ] as const) {
    await writeFile(join(partial, name), 'part');
    await utimes(join(partial, name), (now - age * day) / 1000, (now - age * day) / 1000);
  }
  for (const [name, at] of [
    ['sha256-of-the-killed', now],
    ['sha256-of-now', now + 5 * day],
  ] as const) {
    await mkdir(join(locks, name), { recursive: true });
    await writeFile(join(locks, name, '1'), 'free');
    await utimes(join(locks, name), at / 1000, at / 1000);
  }
  const { staleFiles } = await cache.prune({}, { now: now + 5 * day });
  expect(staleFiles).toMatchObject({ partialDownloads: 1, quarantined: 0 });
  expect(await readdir(partial)).toEqual(['sha256-young.partial']);
  expect(await readdir(locks)).toEqual(['sha256-of-now']);
  const later = await cache.prune({}, { now: now + 31 * day });
  expect(later.staleFiles).toMatchObject({ quarantined: 1, partialDownloads: 1 });
});

test('keeps what a clock that was set back makes an entry of the future', async () => {
  await using directory = await temporaryDirectory();
  const cache = await openCache(directory.path);
  await add(cache, keyOf('kcl/core', '1.0.0'), packageOf('core', '1.0.0'), now + 400 * day);
  const policy = { maxAgeDays: 30, maxUnusedDays: 30 };
  expect((await cache.prune(policy)).removed).toEqual([]);
  await (await openCache(directory.path)).references.use(keyOf('kcl/core', '1.0.0'));
  expect(await cache.references.lastUse(keyOf('kcl/core', '1.0.0'))).toBeLessThan(now + day);
  await expectWhole(cache);
});

test.each([{ maxAgeDays: -1 }, { maxBytes: Number.NaN }])('refuses the rule %j', async (policy) => {
  await using directory = await temporaryDirectory();
  const cache = await openCache(directory.path);
  await expect(cache.prune(policy)).rejects.toMatchObject({ code: 'USAGE' });
});

test('keeps references apart whose tags differ in case, and takes the longest tags', async () => {
  await using directory = await temporaryDirectory();
  const cache = await openCache(directory.path);
  const artifact = packageOf('core', '1.0.0');
  const names = ['RC', 'rc', 'A'.repeat(128), 'a'.repeat(128)];
  for (const tag of names) await add(cache, keyOf('kcl/core', tag), artifact);
  expect(await tags(cache)).toEqual(names.map((tag) => `kcl/core:${tag}`).sort());
  const files = names.map((tag) => referenceKey(keyOf('kcl/core', tag)).toLowerCase());
  expect(new Set(files).size).toBe(4);
});

test('clears all but what a running pull relies on', async () => {
  await using directory = await temporaryDirectory();
  const cache = await openCache(directory.path);
  const used = packageOf('core', '1.0.0');
  await add(cache, keyOf('kcl/core', '1.0.0'), used);
  await add(cache, keyOf('kcl/core', '2.0.0'), packageOf('core', '2.0.0'));
  const lease = cache.lease();
  await lease.add(allOf(used).map(({ descriptor }) => descriptor.digest));
  await cache.clear();
  expect(await tags(cache)).toEqual(['kcl/core:1.0.0']);
  await expectWhole(cache);
  await lease.release();
  await cache.clear();
  expect(await cache.stats()).toMatchObject({ blobs: 0, references: 0 });
});
