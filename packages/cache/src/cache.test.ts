import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { digestOf } from '@oci/spec-types/node';
import { bytesOf, inChunks, temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import { openCache } from './cache.js';

const bytes = bytesOf('content');
const blob = { mediaType: 'text/plain', digest: digestOf(bytes), size: bytes.byteLength };

test('makes its directory, and says where it is', async () => {
  await using directory = await temporaryDirectory();
  const cache = await openCache(join(directory.path, 'a', 'b'));
  expect(cache.dir).toBe(join(directory.path, 'a', 'b'));
  expect(await cache.stats()).toMatchObject({ blobs: 0, bytes: 0, references: 0 });
});

test('clears what is its own, and nothing else', async () => {
  await using directory = await temporaryDirectory();
  const cache = await openCache(directory.path);
  await cache.content.pushBlob(blob, inChunks(bytes, 3));
  await writeFile(join(directory.path, 'notes.txt'), 'mine');
  await cache.clear();
  expect(await cache.stats()).toMatchObject({ blobs: 0, bytes: 0, references: 0 });
  const left = await readdir(directory.path);
  expect(left.filter((name) => !name.startsWith('.'))).toEqual(['notes.txt']);
  await cache.content.pushBlob(blob, inChunks(bytes, 3));
  expect(await cache.content.hasBlob(blob)).toBe(true);
});

test('says what stands in the way of its directory', async () => {
  await using directory = await temporaryDirectory();
  await writeFile(join(directory.path, 'file'), '');
  await expect(openCache(join(directory.path, 'file', 'cache'))).rejects.toMatchObject({
    code: 'STORAGE_FAILED',
    message: expect.stringContaining(join(directory.path, 'file', 'cache')),
  });
});
