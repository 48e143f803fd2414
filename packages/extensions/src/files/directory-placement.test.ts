import { lstat, mkdir, readFile, readdir, readlink, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type Registry, createRegistry } from '@oci/client';
import { parseRepositoryName } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import {
  type TarEntry,
  type TemporaryDirectory,
  type TestRegistry,
  gzip,
  startRegistry,
  tar,
  temporaryDirectory,
} from '@oci/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { placeFiles } from './file-placement.js';

let server: TestRegistry;
let registry: Registry;
let work: TemporaryDirectory;
beforeEach(async () => {
  server = await startRegistry();
  registry = createRegistry({ url: server.url });
  work = await temporaryDirectory();
});
afterEach(async () => {
  await registry.close();
  await server.close();
  await work.remove();
});

/** As oras packs a directory `src`: every name begins with it. */
const packed: readonly TarEntry[] = [
  { path: 'src/', type: 'directory' },
  { path: 'src/FILE1.md', content: 'one\n' },
  { path: 'src/FILE2.md', type: 'symlink', linkName: 'FILE1.md' },
  { path: 'src/icu/', type: 'directory' },
  { path: 'src/icu/55.1/', type: 'directory' },
  { path: 'src/icu/55.1/pkgdata.inc', content: 'p\n' },
  { path: 'src/icu/current', type: 'symlink', linkName: '55.1' },
  { path: 'src/icu/pkgdata.inc', type: 'symlink', linkName: 'current/pkgdata.inc' },
];

async function pull(
  entries: readonly TarEntry[],
  { keepOldFiles = false, digest }: { keepOldFiles?: boolean; digest?: string } = {},
): Promise<string> {
  const bytes = tar(entries);
  const layer = {
    ...server.putBlob('team/dir', gzip(bytes)),
    annotations: {
      'org.opencontainers.image.title': 'src',
      'io.deis.oras.content.unpack': 'true',
      'io.deis.oras.content.digest': digest ?? digestOf(bytes),
    },
  };
  const directory = join(work.path, 'out');
  await placeFiles(
    registry.repository(parseRepositoryName('team/dir')),
    [{ name: layer.annotations['org.opencontainers.image.title'], descriptor: layer }],
    {
      directory,
      keepOldFiles,
      signal: new AbortController().signal,
      onEvent: () => {},
    },
  );
  return join(directory, 'src');
}

test('a directory that oras pushed comes out with its links, twice (oras-project/oras#1593)', async () => {
  for (const _ of ['first', 'second']) {
    const src = await pull(packed);
    expect((await readdir(src)).sort()).toEqual(['FILE1.md', 'FILE2.md', 'icu']);
    expect((await readdir(join(src, 'icu'))).sort()).toEqual(['55.1', 'current', 'pkgdata.inc']);
    expect(await readlink(join(src, 'icu', 'current'))).toBe('55.1');
    expect(await readlink(join(src, 'FILE2.md'))).toBe('FILE1.md');
    expect(await readFile(join(src, 'icu', 'pkgdata.inc'), 'utf8')).toBe('p\n');
    expect(await readdir(join(work.path, 'out'))).toEqual(['src']);
  }
});

test('files of the user in the directory stay, and those of the artifact are replaced', async () => {
  const src = join(work.path, 'out', 'src');
  await mkdir(src, { recursive: true });
  await writeFile(join(src, 'mine.txt'), 'mine');
  await writeFile(join(src, 'FILE1.md'), 'old');
  await expect(pull(packed, { keepOldFiles: true })).rejects.toMatchObject({
    code: 'POLICY_REFUSED',
    message: expect.stringContaining(join(src, 'FILE1.md')),
  });
  expect(await readFile(join(src, 'FILE1.md'), 'utf8')).toBe('old');
  await pull(packed);
  expect(await readFile(join(src, 'mine.txt'), 'utf8')).toBe('mine');
  expect(await readFile(join(src, 'FILE1.md'), 'utf8')).toBe('one\n');
});

test.each([
  ['a file that is kept', (path: string) => writeFile(path, 'old'), true],
  ['a directory in the place of a file', (path: string) => mkdir(path), false],
] as const)('%s leaves everything as it was', async (_, put, keepOldFiles) => {
  const src = join(work.path, 'out', 'src');
  await mkdir(join(src, 'icu', '55.1'), { recursive: true });
  await put(join(src, 'icu', '55.1', 'pkgdata.inc'));
  await expect(pull(packed, { keepOldFiles })).rejects.toMatchObject({
    message: expect.stringContaining(join(src, 'icu', '55.1', 'pkgdata.inc')) as string,
  });
  expect(await readdir(src)).toEqual(['icu']);
  expect(await readdir(join(src, 'icu'))).toEqual(['55.1']);
});

test('a link in place of the directory, or of one in it, is not followed', async () => {
  const outside = join(work.path, 'outside');
  await mkdir(outside);
  await mkdir(join(work.path, 'out'));
  await symlink(outside, join(work.path, 'out', 'src'));
  await expect(pull(packed)).rejects.toMatchObject({ code: 'POLICY_REFUSED' });
  expect(await readdir(outside)).toEqual([]);
  expect(await readdir(join(work.path, 'out'))).toEqual(['src']);
});

test('a file behind a link of the user replaces the link', async () => {
  const src = join(work.path, 'out', 'src');
  const outside = join(work.path, 'outside');
  await writeFile(outside, 'untouched');
  await mkdir(src, { recursive: true });
  await symlink(outside, join(src, 'FILE1.md'));
  await pull(packed);
  expect((await lstat(join(src, 'FILE1.md'))).isFile()).toBe(true);
  expect(await readFile(outside, 'utf8')).toBe('untouched');
});

test('a tar that is not what was noted is not unpacked', async () => {
  const digest = `sha256:${'0'.repeat(64)}`;
  await expect(pull(packed, { digest })).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  expect(await readdir(join(work.path, 'out'))).toEqual([]);
});
