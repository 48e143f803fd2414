import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type Descriptor, mediaTypes } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import { type TarEntry, gzip, tar, temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import { unpackPackedDirectory } from './packed-directory.js';

async function unpack(entries: readonly TarEntry[], title = 'src'): Promise<readonly string[]> {
  await using work = await temporaryDirectory();
  const archive = join(work.path, 'archive');
  const bytes = gzip(tar(entries));
  await writeFile(archive, bytes);
  await writeFile(join(work.path, 'neighbour'), 'untouched');
  const layer: Descriptor = {
    mediaType: mediaTypes.layerTarGzip,
    digest: digestOf(bytes),
    size: bytes.byteLength,
    annotations: { 'org.opencontainers.image.title': title },
  };
  const destination = join(work.path, 'out');
  try {
    await unpackPackedDirectory(archive, { layer, destination });
    return (await readdir(destination, { recursive: true })).sort();
  } finally {
    expect(await readFile(join(work.path, 'neighbour'), 'utf8')).toBe('untouched');
    expect((await readdir(work.path)).filter((name) => name.startsWith('.'))).toEqual([]);
  }
}

const link = (path: string, linkName: string): TarEntry => ({ path, type: 'symlink', linkName });
const file = (path: string): TarEntry => ({ path, content: 'x' });

test.each([
  ['names that begin with the title', [file('docs/site/a'), file('docs/site/b/c')]],
  ['names that do not', [file('a'), file('b/c')]],
])('%s', async (_, entries) => {
  expect(await unpack(entries, 'docs/site')).toEqual(['a', 'b', 'b/c']);
});

test.each<[string, readonly TarEntry[]]>([
  ['beside it', [file('src/a'), link('src/l', 'a')]],
  ['upward within the directory', [file('src/a'), link('src/d/l', '../a')]],
  ['through another link', [file('src/d/e/a'), link('src/m', 'd/e'), link('src/l', 'm/../../x')]],
  ['to what is not there', [link('src/l', 'later')]],
])('a link that leads %s is made', async (_, entries) => {
  await expect(unpack([file('src/z'), ...entries])).resolves.toContain('z');
});

test.each<[string, readonly TarEntry[]]>([
  ['absolute', [link('src/l', '/etc/passwd')]],
  ['out of it', [link('src/l', '..')]],
  ['out of it from below', [link('src/d/l', '../../neighbour')]],
  [
    'out of it through another link',
    [file('src/d/e/a'), link('src/m', 'd/e'), link('src/l', 'm/../../../x')],
  ],
  ['out of it through one that comes later', [link('src/l', 'm/..'), link('src/m', '.')]],
  ['in a circle', [link('src/l', 'm'), link('src/m', 'l')]],
  ['by a drive of Windows', [link('src/l', 'C:/x')]],
  ['by backslashes', [link('src/l', '..\\x')]],
  ['nowhere', [link('src/l', '')]],
])('a link that leads %s is refused', async (_, entries) => {
  await expect(unpack([file('src/z'), ...entries])).rejects.toMatchObject({
    code: 'ARCHIVE_UNSAFE',
    message: expect.stringContaining('(rule link)'),
  });
});

test.each<[string, readonly TarEntry[]]>([
  ['below a link', [link('src/l', 'd'), file('src/l/a')]],
  ['in place of a link', [link('src/l', 'd'), file('src/l')]],
  ['below a link of another case', [link('src/l', 'd'), file('src/L/a')]],
])('nothing is written %s', async (_, entries) => {
  await expect(unpack([file('src/z'), ...entries])).rejects.toMatchObject({
    code: 'ARCHIVE_UNSAFE',
    message: expect.stringContaining('(rule same-path)'),
  });
});

test('a hard link is refused', async () => {
  const entries = [file('src/a'), { path: 'src/b', type: 'hardlink' as const, linkName: 'src/a' }];
  await expect(unpack(entries)).rejects.toMatchObject({ code: 'ARCHIVE_UNSAFE' });
});
