import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import zlib from 'node:zlib';

import {
  type TarEntry,
  type TemporaryDirectory,
  bytesOf,
  gzip,
  randomBytes,
  run,
  tar,
  tarOfFiles,
  temporaryDirectory,
} from '@oci/testing';
import { zipSync } from 'fflate';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { type ExtractOptions, contentRoot, extractArchive, extractLayers } from './extract.js';

let work: TemporaryDirectory;
beforeEach(async () => {
  work = await temporaryDirectory();
});
afterEach(async () => {
  await work.remove();
});

async function extract(bytes: Uint8Array, options: ExtractOptions = {}) {
  const archive = join(work.path, 'archive');
  await writeFile(archive, bytes);
  return extractArchive(archive, join(work.path, 'out', 'tree'), options);
}

/** Nothing may be left of an archive that was refused, also not beside its destination. */
async function expectNothing(): Promise<void> {
  const beside = await readdir(work.path);
  expect(beside.filter((name) => name !== 'archive' && name !== 'out')).toEqual([]);
  const out = await readdir(join(work.path, 'out')).catch(() => []);
  expect(out).toEqual([]);
  expect(await openFiles()).toEqual([]);
}

/** Files of this test that the process holds open, where the system tells. */
async function openFiles(): Promise<string[]> {
  const listed = await run('ls', ['-l', `/proc/${process.pid}/fd`]);
  return listed.stdout.split('\n').filter((line) => line.includes(work.path));
}

const files = { 'kcl.mod': '[package]\n', 'a/b.k': 'x = 1\n', 'bin/run.sh': '#!/bin/sh\n' };

test.each([
  ['tar', tarOfFiles(files)],
  ['gzip tar', gzip(tarOfFiles(files))],
  ['tar without its end', tarOfFiles(files).slice(0, -1024)],
  [
    'tar without entries for directories',
    tar(Object.entries(files).map(([path, content]) => ({ path, content }))),
  ],
])('unpacks a %s', async (_, bytes) => {
  const tree = await extract(bytes);
  expect(tree).toMatchObject({ root: join(work.path, 'out', 'tree'), files: 3, bytes: 26 });
  for (const [path, content] of Object.entries(files)) {
    expect(await readFile(join(tree.root, path), 'utf8')).toBe(content);
  }
  expect(await readdir(join(work.path, 'out'))).toEqual(['tree']);
});

test('unpacks what GNU tar makes, with long names', async () => {
  const long = `${'d'.repeat(90)}/${'f'.repeat(120)}`;
  await mkdir(join(work.path, 'source', 'd'.repeat(90)), { recursive: true });
  await writeFile(join(work.path, 'source', long), 'content');
  for (const format of ['gnu', 'pax']) {
    const archive = join(work.path, `${format}.tgz`);
    await run('tar', ['-czf', archive, `--format=${format}`, '-C', join(work.path, 'source'), '.']);
    const tree = await extractArchive(archive, join(work.path, format));
    expect(await readFile(join(tree.root, long), 'utf8')).toBe('content');
  }
});

test('unpacks large files of random bytes, in order', async () => {
  const bytes = randomBytes(91, 5_000_000);
  const tree = await extract(
    gzip(
      tar([
        { path: 'a', content: bytes },
        { path: 'b', content: bytes },
      ]),
      1,
    ),
  );
  expect((await readFile(join(tree.root, 'a'))).equals(bytes)).toBe(true);
  expect((await readFile(join(tree.root, 'b'))).equals(bytes)).toBe(true);
});

test('keeps executable bits, and drops set-id and sticky bits', async () => {
  const tree = await extract(
    tar([
      { path: 'plain', mode: 0o666 },
      { path: 'run', mode: 0o744 },
      { path: 'setuid', mode: 0o6755 },
      { path: 'dir/', type: 'directory', mode: 0o1777 },
    ]),
  );
  const mode = async (path: string): Promise<number> =>
    (await stat(join(tree.root, path))).mode & 0o7777;
  expect(await mode('plain')).toBe(0o644);
  expect(await mode('run')).toBe(0o755);
  expect(await mode('setuid')).toBe(0o755);
  expect((await mode('dir')) & 0o7022).toBe(0);
});

test('takes neither owners nor times over', async () => {
  const tree = await extract(tar([{ path: 'a', uid: 12_345, gid: 12_345, mtime: 1 }]));
  const { uid, mtimeMs } = await stat(join(tree.root, 'a'));
  expect(uid).toBe(process.getuid?.());
  expect(mtimeMs).toBeGreaterThan(1_600_000_000_000);
});

const many = Array.from({ length: 50 }, (_, i): TarEntry => ({
  path: `f${i}`,
  content: 'x'.repeat(1000),
}));

test.each<[string, Uint8Array, ExtractOptions['limits']]>([
  ['entries', tar(many), { entries: 49 }],
  ['bytes', tar(many), { bytes: 49_999 }],
  [
    'bytes in one file',
    tar([{ path: 'a', content: new Uint8Array(2_000_000) }]),
    { bytes: 1_000_000 },
  ],
  ['levels', tar([{ path: `${'a/'.repeat(65)}b` }]), undefined],
  [
    'bytes of a path',
    tarOfFiles({ [`${'a'.repeat(50)}/${'b'.repeat(90)}`]: '' }),
    { pathBytes: 100 },
  ],
])('refuses too many %s', async (_, bytes, limits) => {
  await expect(extract(bytes, { limits })).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  await expectNothing();
});

test('refuses what unpacks to far more than it is (CVE-2026-59873)', async () => {
  const bomb = gzip(tar([{ path: 'zeros', content: new Uint8Array(30_000_000) }]));
  const limits = { ratioFloorBytes: 1_000_000 };
  await expect(extract(bomb, { limits })).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  await expectNothing();
  expect(await extract(bomb)).toMatchObject({ files: 1 });
});

const whole = gzip(tarOfFiles({ a: randomBytes(92, 200_000), b: 'x' }));
const plain = tarOfFiles({ a: randomBytes(93, 200_000), b: 'x' });

test.each<[string, Uint8Array]>([
  ['cut in its gzip', whole.slice(0, 100_000)],
  ['cut before its checksum', whole.slice(0, -4)],
  ['altered in its gzip', alter(whole, 100_000)],
  ['cut in a file', plain.slice(0, 100_000)],
  ['cut in a header', plain.slice(0, 200)],
  ['altered in a header', alter(plain, 150)],
  ['text', Buffer.from('# a readme\n'.repeat(100))],
])('refuses an archive that is %s, and leaves nothing', async (_, bytes) => {
  await expect(extract(bytes)).rejects.toMatchObject({
    code: expect.stringMatching(/^ARCHIVE_(INVALID|UNSAFE)$/),
  });
  await expectNothing();
});

function alter(bytes: Uint8Array, at: number): Uint8Array {
  const altered = bytes.slice();
  altered[at] = (altered[at] ?? 0) ^ 0xff;
  return altered;
}

test('refuses an entry whose size is enormous without allocating it', async () => {
  const bytes = tar([{ path: 'a', content: 'x', declaredSize: 2 ** 31 }]);
  await expect(extract(bytes)).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
});

test('unpacks a zip, with its executable bits', async () => {
  const tree = await extract(
    zipSync({
      'kcl.mod': bytesOf('[package]\n'),
      'a/': [new Uint8Array(), {}],
      'a/b.k': [bytesOf('x = 1\n'.repeat(1000)), { level: 9 }],
      'stored.k': [bytesOf('x = 1\n'), { level: 0 }],
      'run.sh': [bytesOf('#!/bin/sh\n'), { os: 3, attrs: 0o100755 * 65_536 }],
    }),
  );
  expect(tree.files).toBe(4);
  expect(await readFile(join(tree.root, 'a', 'b.k'), 'utf8')).toBe('x = 1\n'.repeat(1000));
  expect(await readFile(join(tree.root, 'stored.k'), 'utf8')).toBe('x = 1\n');
  expect((await stat(join(tree.root, 'run.sh'))).mode & 0o777).toBe(0o755);
  expect((await stat(join(tree.root, 'kcl.mod'))).mode & 0o777).toBe(0o644);
  expect(await openFiles()).toEqual([]);
});

const zip = zipSync({ a: [randomBytes(95, 50_000), { level: 0 }], b: bytesOf('x') });

test.each([
  ['cut', zip.slice(0, 40_000)],
  ['without its directory', Buffer.from('PK\u0003\u0004 and more')],
  ['altered in a file', alter(zip, 20_000)],
])('refuses a zip that is %s', async (_, bytes) => {
  await expect(extract(bytes)).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
  await expectNothing();
});

test('refuses a zip that is compressed by something else', async () => {
  const bytes = Buffer.from(zipSync({ a: bytesOf('x') }));
  bytes[bytes.indexOf('PK\u0001\u0002', 0, 'latin1') + 10] = 12;
  await expect(extract(bytes)).rejects.toMatchObject({
    code: 'UNSUPPORTED',
    message: expect.stringContaining('method 12'),
  });
});

const { zstdCompressSync } = zlib as { zstdCompressSync?: (bytes: Uint8Array) => Buffer };

test.skipIf(zstdCompressSync === undefined)('unpacks a zstd tar (needs Node 22.15)', async () => {
  const tree = await extract(zstdCompressSync?.(tarOfFiles(files)) ?? new Uint8Array());
  expect(tree).toMatchObject({ files: 3, bytes: 26 });
  const bomb = zstdCompressSync?.(tar([{ path: 'zeros', content: new Uint8Array(3_000_000) }]));
  await expect(
    extractArchive(await written('bomb', bomb ?? new Uint8Array()), join(work.path, 'bombed'), {
      limits: { ratioFloorBytes: 1_000_000 },
    }),
  ).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
});

test.runIf(zstdCompressSync === undefined)('says that Node is too old for zstd', async () => {
  await expect(extract(Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0]))).rejects.toMatchObject({
    code: 'UNSUPPORTED',
    hint: expect.stringContaining('Node 22.15'),
  });
  await expectNothing();
});

async function written(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(work.path, name);
  await writeFile(path, bytes);
  return path;
}

test('lays archives over each other, the later over the earlier', async () => {
  const base = await written('base', tarOfFiles({ 'a.cue': 'old', 'lib/b.cue': 'b' }));
  const vendor = await written('vendor', gzip(tarOfFiles({ 'a.cue': 'new', 'lib/c.cue': 'c' })));
  const layers = [
    { path: base, under: '' },
    { path: vendor, under: '' },
    { path: base, under: 'cue.mod/gen' },
  ];
  const tree = await extractLayers(layers, join(work.path, 'tree'));
  expect(await readFile(join(tree.root, 'a.cue'), 'utf8')).toBe('new');
  expect((await readdir(join(tree.root, 'lib'))).sort()).toEqual(['b.cue', 'c.cue']);
  expect(await readFile(join(tree.root, 'cue.mod', 'gen', 'a.cue'), 'utf8')).toBe('old');
});

test.each([
  ['a file over a directory', { lib: 'x' }],
  ['another case', { 'A.cue': 'x' }],
])('a later archive does not lay %s', async (_, over) => {
  const base = await written('base', tarOfFiles({ 'a.cue': 'old', 'lib/b.cue': 'b' }));
  const layers = [
    { path: base, under: '' },
    { path: await written('over', tarOfFiles(over)), under: '' },
  ];
  await expect(extractLayers(layers, join(work.path, 'tree'))).rejects.toMatchObject({
    code: 'ARCHIVE_UNSAFE',
  });
});

test('does not touch a directory that is there', async () => {
  await mkdir(join(work.path, 'out', 'tree'), { recursive: true });
  await writeFile(join(work.path, 'out', 'tree', 'mine'), '');
  await expect(extract(tarOfFiles(files))).rejects.toMatchObject({ code: 'USAGE' });
  expect(await readdir(join(work.path, 'out', 'tree'))).toEqual(['mine']);
});

test('stops when the signal fires, before and in the middle', async () => {
  const bytes = gzip(tar([{ path: 'a', content: randomBytes(94, 30_000_000) }]), 0);
  const stopped = extract(bytes, { signal: AbortSignal.abort() });
  await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' });
  await expectNothing();
  const controller = new AbortController();
  const running = extract(bytes, { signal: controller.signal });
  setImmediate(() => controller.abort());
  await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
  await expectNothing();
});

test('many entries make no warning and leave no file open', async () => {
  const warnings: Error[] = [];
  const hear = (warning: Error): void => void warnings.push(warning);
  process.on('warning', hear);
  const entries = Array.from({ length: 300 }, (_, i) => ({
    path: `d/${i}`,
    content: randomBytes(i, 20_000),
  }));
  await extract(gzip(tar(entries), 1));
  process.off('warning', hear);
  expect(warnings).toEqual([]);
  expect(await openFiles()).toEqual([]);
});

test.each([
  ['none', undefined, ''],
  ['one', 'demo-1.0.0', '/demo-1.0.0'],
])('finds the files behind %s wrapping directory', async (_, wrapper, suffix) => {
  const tree = await extract(tarOfFiles(files, wrapper));
  expect(await contentRoot(tree)).toBe(`${tree.root}${suffix}`);
});

test('GNU tar unpacks the same', async () => {
  const bytes = gzip(tarOfFiles(files));
  const tree = await extract(bytes);
  await mkdir(join(work.path, 'gnu'));
  await run('tar', ['-xzf', join(work.path, 'archive'), '-C', join(work.path, 'gnu')]);
  expect((await run('diff', ['-r', tree.root, join(work.path, 'gnu')])).stdout).toBe('');
});
