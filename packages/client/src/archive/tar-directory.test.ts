import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type TarEntry, bytesOf, run, tar, temporaryDirectory } from '@oci/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { type TarFile, readTarDirectory } from './tar-directory.js';
import { padding, parsePax, parseTarHeader, tarHeader } from './tar-header.js';

async function filesOf(bytes: Uint8Array): Promise<Readonly<Record<string, string>>> {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'a.tar');
  await writeFile(path, bytes);
  const file = await open(path, 'r');
  try {
    const files = await readTarDirectory(file);
    const content = ({ offset, size }: TarFile): string =>
      Buffer.from(bytes.subarray(offset, offset + size)).toString('utf8');
    return Object.fromEntries(
      [...files].map(([name, found]) => [name, found === 'link' ? found : content(found)]),
    );
  } finally {
    await file.close();
  }
}

const record = (key: string, value: string): string => {
  const rest = ` ${key}=${value}\n`;
  const length = rest.length + String(rest.length + 2).length;
  return `${length}${rest}`;
};

describe('files are found by their headers', () => {
  test.each<[string, readonly TarEntry[], Readonly<Record<string, string>>]>([
    ['plain', [{ path: 'index.json', content: '{}' }], { 'index.json': '{}' }],
    ['with ./', [{ path: './index.json', content: '{}' }], { 'index.json': '{}' }],
    [
      'the last of one name counts',
      [
        { path: 'a', content: '1' },
        { path: 'a', content: '22' },
      ],
      { a: '22' },
    ],
    [
      'a long name of GNU',
      [
        { path: '././@LongLink', type: 'gnu-long-name', content: `${'n'.repeat(200)}\0` },
        { path: 'n', content: 'x' },
        { path: 'next', content: 'y' },
      ],
      { ['n'.repeat(200)]: 'x', next: 'y' },
    ],
    [
      'a long name of pax, for one file alone',
      [
        { path: 'pax', type: 'pax', content: record('path', 'p'.repeat(60)) },
        { path: 'short', content: 'x' },
        { path: 'next', content: 'y' },
      ],
      { ['p'.repeat(60)]: 'x', next: 'y' },
    ],
    [
      'a size of pax',
      [
        { path: 'pax', type: 'pax', content: record('size', '3') },
        { path: 'a', content: 'xyz', declaredSize: 0 },
        { path: 'next', content: 'y' },
      ],
      { a: 'xyz', next: 'y' },
    ],
    [
      'a global pax entry says nothing of names',
      [
        { path: 'g', type: 'pax-global', content: record('comment', 'c'.repeat(40)) },
        { path: 'a', content: 'x' },
      ],
      { a: 'x' },
    ],
    [
      'what is no file, whatever size it claims',
      [
        { path: 'blobs', type: 'directory', declaredSize: 4096 },
        { path: 'oci-layout', type: 'symlink', linkName: '/etc/passwd', declaredSize: 10 },
        { path: 'hard', type: 'hardlink', linkName: 'a' },
        { path: 'a', content: 'x' },
      ],
      { blobs: 'link', 'oci-layout': 'link', hard: 'link', a: 'x' },
    ],
  ])('%s', async (_what, entries, expected) => {
    expect(await filesOf(tar(entries))).toEqual(expected);
  });

  test('a tar may end without its empty blocks', async () => {
    expect(await filesOf(tar([{ path: 'a', content: 'x' }], { end: false }))).toEqual({ a: 'x' });
  });
});

describe('refused', () => {
  const whole = tar([{ path: 'a', content: 'x'.repeat(2000) }]);

  test.each<[string, Uint8Array, string]>([
    ['a file that is cut short', whole.subarray(0, 1500), 'ARCHIVE_INVALID'],
    ['a header that is cut short', whole.subarray(0, 300), 'ARCHIVE_INVALID'],
    ['what is no tar', bytesOf('x'.repeat(1024)), 'ARCHIVE_INVALID'],
    ['a wrong checksum', tar([{ path: 'a', checksum: 1 }]), 'ARCHIVE_INVALID'],
    [
      'a size beyond the end (CVE-2026-59874)',
      tar([{ path: 'a', content: 'x', declaredSize: 0o77777777777 }]),
      'ARCHIVE_INVALID',
    ],
    [
      'a pax size that is negative (CVE-2026-59874)',
      tar([{ path: 'p', type: 'pax', content: record('size', '-1') }, { path: 'a' }]),
      'ARCHIVE_INVALID',
    ],
    [
      'a pax record that is longer than its entry',
      tar([{ path: 'p', type: 'pax', content: '99 path=a\n' }, { path: 'a' }]),
      'ARCHIVE_INVALID',
    ],
    [
      'a name without end',
      tar([{ path: 'p', type: 'gnu-long-name', content: 'n'.repeat(70_000) }]),
      'ARCHIVE_INVALID',
    ],
    ['gzip', new Uint8Array([0x1f, 0x8b, ...new Uint8Array(600)]), 'ARCHIVE_INVALID'],
  ])('%s', async (_what, bytes, code) => {
    await expect(filesOf(bytes)).rejects.toMatchObject({ code });
  });
});

describe('what is written', () => {
  test('is read back, by name and size', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z0-9/._-]{1,150}$/),
        fc.oneof(fc.nat(), fc.integer({ min: 8 * 1024 ** 3, max: Number.MAX_SAFE_INTEGER })),
        (name, size) => {
          const header = tarHeader(name, size);
          const first = parseTarHeader(header.subarray(0, 512));
          const paxSize = first?.type === 'x' ? first.size : 0;
          const pax = parsePax(header.subarray(512, 512 + paxSize));
          const last = parseTarHeader(header.subarray(-512));
          expect(pax.get('path') ?? last?.name).toBe(name);
          expect(Number(pax.get('size') ?? last?.size)).toBe(size);
        },
      ),
    );
  });

  test('is read by tar', async () => {
    await using directory = await temporaryDirectory();
    const long = `blobs/sha512/${'f'.repeat(128)}`;
    const content = bytesOf('content');
    const parts = ['index.json', long].flatMap((name) => [
      tarHeader(name, content.byteLength),
      content,
      padding(content.byteLength),
    ]);
    const path = join(directory.path, 'a.tar');
    await writeFile(path, Buffer.concat([...parts, new Uint8Array(1024)]));
    const result = await run('tar', ['-xf', path, '-C', directory.path]);
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await readFile(join(directory.path, long), 'utf8')).toBe('content');
  });
});
