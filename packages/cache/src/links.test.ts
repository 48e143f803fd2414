import { mkdir, readFile, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { type Descriptor, parseRegistryHost, parseRepositoryName, parseTag } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import { gzip, inChunks, randomBytes, tarOfFiles, temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import { type Cache, openCache } from './cache.js';

const bytes = gzip(tarOfFiles({ a: 'a' }));
const blob: Descriptor = {
  mediaType: 'application/octet-stream',
  digest: digestOf(bytes),
  size: bytes.byteLength,
};
const large = randomBytes(1, 2_000_000);
const largeBlob: Descriptor = { ...blob, digest: digestOf(large), size: large.byteLength };
const reference = {
  registry: parseRegistryHost('registry.example'),
  repository: parseRepositoryName('kcl/a'),
  tag: parseTag('1.0.0'),
};

/** Everything that a pull writes, and then what pruning and clearing remove. */
async function useAll(cache: Cache): Promise<void> {
  await using lease = cache.lease();
  await lease.add([blob.digest]);
  await cache.downloads.obtain(largeBlob, {
    fetchBlob: async () => inChunks(large, 1000),
    downloadBlob: async (descriptor, path) => {
      await writeFile(path, large);
      return { descriptor, path, __brand: 'VerifiedFile' };
    },
  });
  await cache.content.pushBlob(blob, inChunks(bytes, 100));
  const entry = { ...blob, resolvedAt: 0, source: 'registry.example' };
  await cache.references.set(reference, entry);
  await cache.index.add({ descriptor: blob, name: reference });
  const stored = await cache.content.get(blob);
  if (!stored) throw new Error('not stored');
  await cache.files.materialize({
    name: { kind: 'kcl', name: 'a', version: '1.0.0' },
    reference,
    manifestDigest: blob.digest,
    blob: stored,
  });
  await cache.prune({ maxAgeDays: 1 });
}

test.each([
  '.tmp',
  '.locks',
  '.locks/downloads',
  'blobs',
  'blobs/sha256',
  'records',
  'refs',
  'refs/registry.example',
  'partial',
  'kcl',
  'kcl/a',
  'kcl/a/1.0.0',
  'quarantine',
  'state',
  'state/leases',
  'state/unindexed',
])('nothing is written or removed behind a link in a cache: %s', async (link) => {
  await using directory = await temporaryDirectory();
  const outside = join(directory.path, 'outside');
  await mkdir(outside);
  await writeFile(join(outside, 'old'), 'precious');
  await utimes(join(outside, 'old'), 1, 1);
  const cache = await openCache(join(directory.path, 'cache'));
  await mkdir(dirname(join(cache.dir, link)), { recursive: true });
  await symlink(outside, join(cache.dir, link));
  await expect(useAll(cache)).rejects.toMatchObject({ code: 'POLICY_REFUSED' });
  await cache.clear().catch(() => {});
  expect(await readdir(outside)).toEqual(['old']);
});

test('a link in the place of a small file is replaced', async () => {
  await using directory = await temporaryDirectory();
  const outside = join(directory.path, 'outside');
  await writeFile(outside, 'precious');
  const cache = await openCache(join(directory.path, 'cache'));
  await useAll(cache);
  const record = join(cache.dir, 'records', ...largeBlob.digest.split(':')) + '.json';
  await rm(record);
  await symlink(outside, record);
  await cache.content.scrub(largeBlob.digest);
  expect(await readFile(outside, 'utf8')).toBe('precious');
});

test('the directory that the user names may be a link', async () => {
  await using directory = await temporaryDirectory();
  await mkdir(join(directory.path, 'real'));
  await symlink('real', join(directory.path, 'cache'));
  const cache = await openCache(join(directory.path, 'cache'));
  await useAll(cache);
  expect(await cache.content.hasBlob(blob)).toBe(true);
});
