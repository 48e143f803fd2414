import { mkdir, readFile, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { type Descriptor, parseRegistryHost, parseRepositoryName, parseTag } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import {
  type TemporaryDirectory,
  gzip,
  inChunks,
  randomBytes,
  tarOfFiles,
  temporaryDirectory,
} from '@oci/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { type Cache, openCache } from './cache.js';
import { checkMaterialized } from './materialized-check.js';

const plain = tarOfFiles({ a: 'a' });
const layers = { gzip: gzip(plain), tar: plain };
const reference = {
  registry: parseRegistryHost('registry.example'),
  repository: parseRepositoryName('kcl/a'),
  tag: parseTag('1.0.0'),
};
let work: TemporaryDirectory;
let cache: Cache;
beforeEach(async () => {
  work = await temporaryDirectory();
  cache = await openCache(join(work.path, 'cache'));
});
afterEach(() => work.remove());

async function show(bytes: Uint8Array, rehash = false): Promise<string> {
  const digest = digestOf(bytes);
  const blob: Descriptor = { mediaType: 'a/b', digest, size: bytes.byteLength };
  await cache.content.pushBlob(blob, inChunks(bytes, 100));
  const stored = await cache.content.get(blob, { rehash });
  if (!stored) throw new Error('it is not stored');
  const name = { kind: 'kcl', name: 'a', version: '1.0.0' } as const;
  const request = { name, reference, manifestDigest: digest, blob: stored, rehash };
  return (await cache.files.materialize(request)).path;
}

/** As who may write the records too: what is recorded of the file is how it looks then. */
async function change(path: string): Promise<void> {
  const bytes = await readFile(path);
  await writeFile(path, bytes.fill(7, 20));
  const { mtimeNs, mtimeMs, size, ino } = await stat(path, { bigint: true });
  if (path.includes('/blobs/')) return replaceRecord(path, `${mtimeNs}-${size}-${ino}`);
  const record = join(dirname(path), 'view.json');
  const said = JSON.parse(await readFile(record, 'utf8')) as object;
  await utimes(path, Number(mtimeMs) / 1000, Number(mtimeMs) / 1000);
  await writeFile(record, JSON.stringify({ ...said, mtimeMs: (await stat(path)).mtimeMs }));
}

async function replaceRecord(blob: string, text: string): Promise<void> {
  const record = `${blob.replace('/blobs/', '/records/')}.json`;
  await mkdir(dirname(record), { recursive: true });
  await writeFile(record, text);
}

test.each(['gzip', 'tar'] as const)('a file of a %s layer is sound as it is', async (kind) => {
  const path = await show(layers[kind]);
  expect(await cache.verify()).toMatchObject({ files: 1, damaged: [], damagedFiles: [] });
  await stat(path);
});

const damages: Record<string, (path: string) => Promise<unknown>> = {
  'was changed': change,
  'was cut': (path) => writeFile(path, ''),
  'has no record': (path) => rm(join(dirname(path), 'view.json')),
  'has a record that says nothing': (path) => writeFile(join(dirname(path), 'view.json'), 'null'),
  'is a link': async (path) => {
    await writeFile(join(work.path, 'outside'), await readFile(path));
    await rm(path);
    await symlink(join(work.path, 'outside'), path);
  },
};

test.each(
  (['gzip', 'tar'] as const).flatMap((kind) =>
    Object.entries(damages).map(([what, damage]) => [kind, what, damage] as const),
  ),
)('a file of a %s layer that %s is removed, and made anew', async (kind, _, damage) => {
  const path = await show(layers[kind]);
  const right = await readFile(path);
  await damage(path);
  const damagedFiles = ['kcl/a/1.0.0/package.tar.gz'];
  expect(await cache.verify({ dryRun: true })).toMatchObject({ files: 1, damagedFiles });
  expect(await readdir(dirname(path))).toContain('package.tar.gz');
  expect(await cache.verify()).toMatchObject({ files: 1, damagedFiles, damaged: [] });
  await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
  await show(layers[kind]);
  expect((await readFile(path)).equals(right)).toBe(true);
});

test('a file that a pull makes anew while the old one is read stays', async () => {
  const path = await show(layers.gzip);
  const right = await readFile(path);
  await change(path);
  const size = async (): Promise<undefined> => {
    await rm(path);
    await writeFile(path, right);
    return undefined;
  };
  const check = checkMaterialized({ ...cache, content: { size } }, { dryRun: false });
  expect(await check).toMatchObject({ files: 1, damaged: [] });
  expect((await readFile(path)).equals(right)).toBe(true);
});

test('a file of which nothing can be read is neither damaged nor removed', async () => {
  const path = await show(layers.gzip);
  const record = join(dirname(path), 'view.json');
  await rm(record);
  await mkdir(record);
  await expect(cache.verify()).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
  await stat(path);
});

test('a file that is not at the guide’s paths is left alone', async () => {
  await mkdir(join(cache.dir, 'kcl/a'), { recursive: true });
  await writeFile(join(cache.dir, 'kcl/a/notes.txt'), 'x');
  expect(await cache.verify()).toMatchObject({ files: 0, damagedFiles: [] });
  expect(await readdir(join(cache.dir, 'kcl/a'))).toEqual(['notes.txt']);
});

test.each(['gzip', 'tar'] as const)(
  'a changed file of a %s layer is shown as it was when it is hashed',
  async (kind) => {
    const path = await show(layers[kind]);
    const right = await readFile(path);
    await change(path);
    await show(layers[kind], true);
    expect((await readFile(path)).equals(right)).toBe(true);
    const { ino } = await stat(path);
    await show(layers[kind], true);
    expect((await stat(path)).ino).toBe(ino);
  },
);

test.each(['gzip', 'tar'] as const)(
  'a blob that is changed behind its hashing is not shown: %s',
  async (kind) => {
    const bytes = layers[kind];
    const digest = digestOf(bytes);
    const blob: Descriptor = { mediaType: 'a/b', digest, size: bytes.byteLength };
    await cache.content.pushBlob(blob, inChunks(bytes, 100));
    const stored = await cache.content.get(blob, { rehash: true });
    if (!stored) throw new Error('it is not stored');
    const other = kind === 'gzip' ? gzip(tarOfFiles({ a: 'b' })) : tarOfFiles({ a: 'b' });
    await writeFile(stored.path, other);
    const name = { kind: 'kcl', name: 'a', version: '1.0.0' } as const;
    const request = { name, reference, manifestDigest: digest, blob: stored, rehash: true };
    await expect(cache.files.materialize(request)).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
    });
  },
);

test('a changed blob is quarantined when it is hashed, whatever its size and time say', async () => {
  const large = gzip(tarOfFiles({ a: randomBytes(1, 100_000) }));
  await show(large);
  const digest = digestOf(large);
  await change(cache.content.pathOf(digest));
  const blob = { mediaType: 'a/b', digest, size: large.byteLength };
  expect(await cache.content.get(blob)).toBeDefined();
  expect(await cache.content.get(blob, { rehash: true })).toBeUndefined();
});

test('a small blob is hashed each time, so that a change never passes', async () => {
  await show(layers.gzip);
  const digest = digestOf(layers.gzip);
  await change(cache.content.pathOf(digest));
  const blob = { mediaType: 'a/b', digest, size: layers.gzip.byteLength };
  expect(await cache.content.get(blob)).toBeUndefined();
});
