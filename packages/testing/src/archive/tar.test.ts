import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { digestOf } from '@oci/spec-types/node';
import { describe, expect, test } from 'vitest';

import { textOf } from '../bytes.js';
import { describePeer } from '../contracts/index.js';
import { run } from '../peer/run.js';
import { temporaryDirectory } from '../temporary-directory.js';
import { gzip } from './gzip.js';
import { type TarEntry, tar } from './tar.js';

const field = (archive: Uint8Array, offset: number, length: number): string =>
  textOf(archive.subarray(offset, offset + length)).replace(/\0.*$/s, '');

describe('tar', () => {
  test('is the same for the same entries, on every machine', () => {
    const archive = tar([
      { path: 'a/', type: 'directory' },
      { path: 'a/b', content: 'text' },
    ]);
    expect(archive.byteLength).toBe(512 * 5);
    expect(digestOf(archive)).toBe(
      'sha256:6d2d44e621e333ee0dec5fb57ff4512a49452b52b82f1cedf5bf1ec43217b84c',
    );
  });

  test('writes hostile entries as they are asked for', () => {
    const archive = tar([
      { path: '../x', content: '!' },
      { path: '/etc/passwd', type: 'symlink', linkName: '/etc/shadow' },
    ]);
    expect(field(archive, 0, 100)).toBe('../x');
    expect(field(archive, 1024, 100)).toBe('/etc/passwd');
    expect(field(archive, 1024 + 156, 1)).toBe('2');
    expect(field(archive, 1024 + 157, 100)).toBe('/etc/shadow');
  });

  test('declares sizes that it does not hold, in octal or beyond', () => {
    const small = tar([{ path: 'x', declaredSize: 8 ** 11 - 1 }]);
    expect(field(small, 124, 12)).toBe('7'.repeat(11));
    const huge = tar([{ path: 'x', declaredSize: 2 ** 50 }]);
    expect([...huge.subarray(124, 136)]).toEqual([0x80, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0]);
  });

  test('leaves out the end, or writes a wrong checksum, when asked to', () => {
    expect(tar([{ path: 'x' }], { end: false }).byteLength).toBe(512);
    expect(field(tar([{ path: 'x', checksum: 1 }]), 148, 6)).toBe('000001');
  });

  test('cuts a long path at a slash, and refuses one that does not fit', () => {
    const path = `${'d'.repeat(120)}/${'f'.repeat(90)}`;
    const archive = tar([{ path }]);
    expect(field(archive, 345, 155)).toBe('d'.repeat(120));
    expect(field(archive, 0, 100)).toBe('f'.repeat(90));
    expect(() => tar([{ path: 'f'.repeat(101) }])).toThrow(RangeError);
  });
});

test('gzip holds no time and no operating system', () => {
  const packed = gzip(tar([]));
  expect([...packed.subarray(0, 10)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
  expect(new Uint8Array(gunzipSync(packed))).toEqual(tar([]));
});

describePeer('tar', 'an archive read by another tar', () => {
  test('has every file, directory and link', async () => {
    await using directory = await temporaryDirectory();
    const long = `${'deep/'.repeat(25)}file`;
    const entries: TarEntry[] = [
      { path: 'dir/', type: 'directory', mode: 0o700 },
      { path: 'dir/run.sh', content: '#!/bin/sh\n', mode: 0o755 },
      { path: 'link', type: 'symlink', linkName: 'dir/run.sh' },
      { path: 'twin', type: 'hardlink', linkName: 'dir/run.sh' },
      { path: long, content: 'x'.repeat(1000) },
    ];
    await writeFile(join(directory.path, 'a.tgz'), gzip(tar(entries)));
    const out = join(directory.path, 'out');
    await mkdir(out);
    const result = await run('tar', ['-xzf', '../a.tgz'], { cwd: out });
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await readFile(join(out, 'link'), 'utf8')).toBe('#!/bin/sh\n');
    expect((await stat(join(out, 'twin'))).mode & 0o777).toBe(0o755);
    expect((await stat(join(out, long))).size).toBe(1000);
  });
});
