import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import {
  type Files,
  bytesOf,
  gzip,
  randomBytes,
  tar,
  tarOfFiles,
  temporaryDirectory,
} from '@oci/testing';
import { zipSync } from 'fflate';
import { expect, test } from 'vitest';

import { maxDocumentBytes } from '../document/document-text.js';
import { readArchiveFiles } from './archive-files.js';

async function read(bytes: Uint8Array, names: readonly string[]): Promise<Record<string, string>> {
  await using work = await temporaryDirectory();
  const path = join(work.path, 'archive');
  await writeFile(path, bytes);
  const found = await readArchiveFiles(path, names);
  return Object.fromEntries([...found].map(([name, content]) => [name, content.toString('utf8')]));
}

const files: Files = { 'kcl.mod': 'root', 'kcl/kcl.mod': 'inner', 'sub/kcl.mod': 'other', a: 'a' };

test.each([
  ['tar', tarOfFiles(files)],
  ['gzip tar', gzip(tarOfFiles(files))],
  ['wrapped tar', tarOfFiles(files, 'demo-1.0.0')],
  ['zip', zipSync({ 'kcl.mod': bytesOf('root'), 'kcl/kcl.mod': bytesOf('inner') })],
])('reads files out of a %s', async (_, bytes) => {
  expect(await read(bytes, ['kcl.mod', 'kcl/kcl.mod', 'none'])).toEqual({
    'kcl.mod': 'root',
    'kcl/kcl.mod': 'inner',
  });
});

test('does not take the file of one directory among several for the root', async () => {
  const bytes = tarOfFiles({ 'a/kcl.mod': 'a', 'b/kcl.mod': 'b' });
  expect(await read(bytes, ['kcl.mod'])).toEqual({});
});

test('refuses a hostile archive as an extraction would', async () => {
  const bytes = tarOfFiles({ 'kcl.mod': 'root', '../escaped': '' });
  await expect(read(bytes, ['kcl.mod'])).rejects.toMatchObject({ code: 'ARCHIVE_UNSAFE' });
});

test('stops at the first name when nothing else is asked for', async () => {
  await using work = await temporaryDirectory();
  const path = join(work.path, 'archive');
  const behind = { a: 'first', b: randomBytes(1, 2_000_000), '../escaped': '' };
  await writeFile(
    path,
    gzip(tar(Object.entries(behind).map(([at, content]) => ({ path: at, content })))),
  );
  const found = await readArchiveFiles(path, ['a', 'none'], { firstOnly: true });
  expect([...found.keys()]).toEqual(['a']);
  await expect(readArchiveFiles(path, ['none', 'a'], { firstOnly: true })).rejects.toMatchObject({
    code: 'ARCHIVE_UNSAFE',
  });
});

test('a declaration that is too large is told, and memory does not grow with its copies', async () => {
  const large = new Uint8Array(maxDocumentBytes + 1);
  const bytes = gzip(tarOfFiles({ 'kcl.mod': large, a: 'a' }));
  expect(await read(bytes, ['a'])).toEqual({ a: 'a' });
  await expect(read(bytes, ['kcl.mod', 'a'])).rejects.toMatchObject({
    code: 'LIMIT_EXCEEDED',
    message: 'kcl.mod has more than 262144 bytes',
  });
  const elsewhere = tarOfFiles({ 'x/a': '', 'sub/kcl.mod': large, 'sub/kcl/kcl.mod': 'inner' });
  expect(await read(elsewhere, ['kcl.mod', 'kcl/kcl.mod'])).toEqual({});
});

test('a tree of too many entries is refused', async () => {
  const path = 'd/';
  const entries = Array.from({ length: 100_001 }, () => ({ path, type: 'directory' as const }));
  await expect(read(gzip(tar(entries)), ['a'])).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
});
