import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { createFileObjectStore } from '@oci/cache';
import { parseRepositoryName, parseTag } from '@oci/spec-types';
import { type TemporaryDirectory, image, temporaryDirectory } from '@oci/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { readAll, store } from '../../test/stored-repositories.js';
import { claimDirectory } from '../directory-claim.js';
import { createHostedRegistry } from './hosted-registry.js';
import { bytes } from './json-object.js';
import { openStorage, openStorageReadOnly } from './storage.js';

const log = { info: () => {}, warn: () => {} };

let work: TemporaryDirectory;
beforeEach(async () => {
  work = await temporaryDirectory();
});
afterEach(() => work.remove());

async function filesOf(path: string): Promise<readonly string[]> {
  const names = await readdir(path, { recursive: true });
  const infos = names.map(async (name) => {
    const { mtimeMs, size } = await stat(join(path, name));
    return `${name} ${mtimeMs} ${size}`;
  });
  return (await Promise.all(infos)).sort();
}

test('reads what a server writes, while that has the directory, and changes nothing', async () => {
  const release = await claimDirectory(work.path);
  const server = await openStorage(work.path);
  await server.prepare(log);
  const writing = createHostedRegistry(server.store);
  const reader = await openStorageReadOnly(work.path);
  await reader.prepare(log);
  const reading = createHostedRegistry(reader.store);
  expect(await readAll(reading)).toEqual({});
  await store(writing, parseRepositoryName('a'), image(), [parseTag('1')]);
  const before = await filesOf(join(work.path, 'v2'));
  expect(await readAll(reading)).toEqual(await readAll(writing));
  expect(await filesOf(join(work.path, 'v2'))).toEqual(before);
  const put = store(reading, parseRepositoryName('a'), image(), [parseTag('2')]);
  await expect(put).rejects.toMatchObject({ code: 'INTERNAL' });
  expect(await filesOf(join(work.path, 'v2'))).toEqual(before);
  await release();
});

test('refuses an empty directory, and one that version 1 is not taken over of', async () => {
  const reader = await openStorageReadOnly(work.path);
  await expect(reader.prepare(log)).rejects.toMatchObject({
    code: 'STORAGE_FAILED',
    hint: expect.stringContaining('Name the storage'),
  });
  expect(await readdir(work.path)).toEqual([]);
  await (await openStorage(work.path)).prepare(log);
  await reader.prepare(log);
  const files = createFileObjectStore(work.path);
  await files.put('v1/repositories/a/_tags/1', bytes(Buffer.from('{}')));
  await expect(reader.prepare(log)).rejects.toMatchObject({
    code: 'STORAGE_FAILED',
    hint: expect.stringContaining('oci-server serve'),
  });
});
