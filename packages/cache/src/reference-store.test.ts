import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { parseDigest, parseRegistryHost, parseRepositoryName, parseTag } from '@oci/spec-types';
import { temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import { type ReferenceKey, referenceKey } from './cache-format.js';
import type { ReferenceEntry } from './reference-store.js';
import { openCache } from './cache.js';

const key = (tag: string, repository = 'kcl/demo', registry = 'localhost:5000'): ReferenceKey => ({
  registry: parseRegistryHost(registry),
  repository: parseRepositoryName(repository),
  tag: parseTag(tag),
});
const entry: ReferenceEntry = {
  digest: parseDigest(`sha256:${'0'.repeat(64)}`),
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  size: 500,
  resolvedAt: 1_700_000_000_000,
  source: 'localhost:5000',
};

test('remembers what a tag pointed to, until it is told otherwise', async () => {
  await using directory = await temporaryDirectory();
  const { references } = await openCache(directory.path);
  expect(await references.get(key('1.0.0'))).toBeUndefined();
  await references.set(key('1.0.0'), entry);
  expect(await references.get(key('1.0.0'))).toEqual(entry);
  const moved = { ...entry, digest: parseDigest(`sha256:${'1'.repeat(64)}`) };
  await references.set(key('1.0.0'), moved);
  expect(await references.get(key('1.0.0'))).toEqual(moved);
  await references.remove([key('1.0.0')]);
  expect(await references.get(key('1.0.0'))).toBeUndefined();
});

test.each([
  ['registries', key('1', 'a', 'localhost:5000'), key('1', 'a', 'localhost:5001')],
  ['repositories', key('1', 'a/b'), key('1', 'a')],
  ['tags that differ in case', key('V1'), key('v1')],
])('tells %s apart on any file system', (_, one, other) => {
  expect(referenceKey(one).toLowerCase()).not.toBe(referenceKey(other).toLowerCase());
});

test.each([
  ['cut', '{"version":1,"digest":"sha2'],
  ['of a later version', JSON.stringify({ version: 2, ...entry })],
  ['without a digest', JSON.stringify({ version: 1, ...entry, digest: undefined })],
  ['with a size that is none', JSON.stringify({ version: 1, ...entry, size: -1 })],
  ['no object', 'null'],
])('counts a file that is %s as absent, and writes it anew', async (_, text) => {
  await using directory = await temporaryDirectory();
  const { references } = await openCache(directory.path);
  await references.set(key('1.0.0'), entry);
  await writeFile(join(directory.path, referenceKey(key('1.0.0'))), text);
  expect(await references.get(key('1.0.0'))).toBeUndefined();
  await references.set(key('1.0.0'), entry);
  expect(await references.get(key('1.0.0'))).toEqual(entry);
  expect(await readdir(join(directory.path, '.tmp'))).toEqual([]);
});
