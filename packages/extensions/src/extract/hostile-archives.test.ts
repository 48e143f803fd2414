import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type TarEntry, bytesOf, gzip, tar, temporaryDirectory } from '@oci/testing';
import { Zip, ZipDeflate, type Zippable, zipSync } from 'fflate';
import { expect, test } from 'vitest';

import type { ArchiveRule } from './archive-rule.js';
import { extractArchive } from './extract.js';
import type { ExtractLimits } from './limits.js';

/** An archive, the rule that it breaks, and the entry that an error has to name. */
interface Hostile {
  readonly entries: readonly TarEntry[];
  readonly rule: ArchiveRule;
  readonly named: string;
  readonly limits?: Partial<ExtractLimits>;
}

const file = (path: string, content = 'x'): TarEntry => ({ path, content });
const symlink = (path: string, linkName: string): TarEntry => ({ path, linkName, type: 'symlink' });
const hardlink = (path: string, linkName: string): TarEntry => ({
  path,
  linkName,
  type: 'hardlink',
});
const pax = (records: Readonly<Record<string, string>>, isGlobal = false): TarEntry => ({
  path: 'PaxHeader/x',
  type: isGlobal ? 'pax-global' : 'pax',
  content: Object.entries(records).map(record).join(''),
});

function record([key, value]: [string, string]): string {
  const rest = ` ${key}=${value}\n`;
  let length = bytesOf(rest).byteLength;
  while (`${length}`.length + bytesOf(rest).byteLength !== length)
    length = `${length}`.length + bytesOf(rest).byteLength;
  return `${length}${rest}`;
}

const longName = (name: string): TarEntry => ({
  path: '././@LongLink',
  type: 'gnu-long-name',
  content: `${name}\0`,
});

const corpus: Readonly<Record<string, Hostile>> = {
  // Paths.
  'leads out (CVE-2021-21272)': {
    entries: [file('../escaped')],
    rule: 'parent-path',
    named: '../escaped',
  },
  'leads out in the middle': {
    entries: [file('a/../../escaped')],
    rule: 'parent-path',
    named: 'a/../../escaped',
  },
  'leads out and in again': {
    entries: [file('a/../escaped')],
    rule: 'parent-path',
    named: 'a/../escaped',
  },
  'leads out by a directory': {
    entries: [{ path: '../escaped/', type: 'directory' }],
    rule: 'parent-path',
    named: '../escaped/',
  },
  'leads out by a GNU long name': {
    entries: [longName('../escaped'), file('harmless')],
    rule: 'parent-path',
    named: '../escaped',
  },
  'leads out by a pax path': {
    entries: [pax({ path: '../escaped' }), file('harmless')],
    rule: 'parent-path',
    named: '../escaped',
  },
  'is absolute (CVE-2021-29136)': {
    entries: [file('/escaped')],
    rule: 'absolute-path',
    named: '/escaped',
  },
  'is absolute twice': {
    entries: [file('//escaped')],
    rule: 'absolute-path',
    named: '//escaped',
  },
  'is absolute by a pax path': {
    entries: [pax({ path: '/escaped' }), file('harmless')],
    rule: 'absolute-path',
    named: '/escaped',
  },
  'has a drive of Windows': {
    entries: [file('C:/escaped')],
    rule: 'forbidden-character',
    named: 'C:/escaped',
  },
  'is relative to a drive (CVE-2026-31802)': {
    entries: [file('C:escaped')],
    rule: 'forbidden-character',
    named: 'C:escaped',
  },
  'has backslashes': {
    entries: [file('a\\..\\..\\escaped')],
    rule: 'forbidden-character',
    named: 'a\\\\..',
  },
  'is on a share of Windows': {
    entries: [file('\\\\server\\share')],
    rule: 'forbidden-character',
    named: 'server',
  },
  'is a stream of NTFS': {
    entries: [file('a.txt:stream')],
    rule: 'forbidden-character',
    named: 'a.txt:stream',
  },
  'has a line break': {
    entries: [file('a\nb')],
    rule: 'forbidden-character',
    named: 'a\\nb',
  },
  'clears the terminal': {
    entries: [file('\u001b[2Ja')],
    rule: 'forbidden-character',
    named: '\\u001b[2Ja',
  },
  'has a NUL in a pax path (CVE-2026-59875)': {
    entries: [pax({ path: 'a\0/../../escaped' }), file('harmless')],
    rule: 'forbidden-character',
    named: 'a\\u0000',
  },
  'is a device of Windows': {
    entries: [file('a/NUL')],
    rule: 'device-name',
    named: 'a/NUL',
  },
  'is a device of Windows with an ending': {
    entries: [file('com1.txt')],
    rule: 'device-name',
    named: 'com1.txt',
  },
  'ends in a dot': {
    entries: [file('a./b')],
    rule: 'trailing-dot',
    named: 'a./b',
  },
  'ends in a space': {
    entries: [file('a ')],
    rule: 'trailing-dot',
    named: 'a ',
  },
  'is a file without a name': {
    entries: [file('./')],
    rule: 'no-name',
    named: './',
  },
  // Links.
  'is a link that leads out (CVE-2026-23745)': {
    entries: [symlink('link', '../..')],
    rule: 'link',
    named: 'link',
  },
  'is an absolute link (CVE-2026-23745)': {
    entries: [symlink('link', '/etc/passwd')],
    rule: 'link',
    named: 'link',
  },
  'is a link, and a file through it (CVE-2021-32760)': {
    entries: [symlink('link', '..'), file('link/escaped')],
    rule: 'link',
    named: 'link',
  },
  'is a chain of links (CVE-2026-50162)': {
    entries: [symlink('a', '.'), symlink('b', 'a/..'), file('b/escaped')],
    rule: 'link',
    named: 'a',
  },
  'is the root as a link (CVE-2021-32760)': {
    entries: [symlink('./', '/tmp')],
    rule: 'link',
    named: './',
  },
  'is a link within the tree': {
    entries: [file('a'), symlink('link', 'a')],
    rule: 'link',
    named: 'link',
  },
  'is a hard link that leads out (CVE-2026-24842)': {
    entries: [hardlink('link', '../../etc/passwd')],
    rule: 'link',
    named: 'link',
  },
  'is a hard link to the working directory (CVE-2026-50163)': {
    entries: [hardlink('link', 'package.json')],
    rule: 'link',
    named: 'link',
  },
  'is a hard link through a link (CVE-2026-26960)': {
    entries: [hardlink('b', 'a/x'), symlink('a', '..')],
    rule: 'link',
    named: 'b',
  },
  'is a hard link that a file overwrites (tar 7.5.15)': {
    entries: [file('a'), hardlink('b', 'a'), file('b', 'y')],
    rule: 'link',
    named: 'b',
  },
  // Types.
  'is a character device': {
    entries: [{ path: 'null', type: 'character-device' }],
    rule: 'device',
    named: 'null',
  },
  'is a block device': {
    entries: [{ path: 'disk', type: 'block-device' }],
    rule: 'device',
    named: 'disk',
  },
  'is a fifo': { entries: [{ path: 'fifo', type: 'fifo' }], rule: 'device', named: 'fifo' },
  'is of an unknown type': {
    entries: [{ path: 'a', typeFlag: 'Z' }],
    rule: 'unknown-type',
    named: 'a',
  },
  'is a part of a file of another volume': {
    entries: [{ path: 'a', typeFlag: 'M' }],
    rule: 'unknown-type',
    named: 'a',
  },
  'is sparse, of GNU': {
    entries: [{ path: 'a', typeFlag: 'S' }],
    rule: 'sparse-file',
    named: 'a',
  },
  'is sparse, by pax': {
    entries: [pax({ 'GNU.sparse.major': '1', 'GNU.sparse.name': 'b' }), file('a')],
    rule: 'sparse-file',
    named: 'GNU.sparse.major',
  },
  // Smuggling: what two tools read differently.
  'gets its path from a global header': {
    entries: [pax({ path: 'other' }, true), file('a')],
    rule: 'hidden-header',
    named: 'other',
  },
  'gets its size from a global header (tar 7.5.16)': {
    entries: [pax({ size: '0' }, true), file('a', 'y'.repeat(512))],
    rule: 'hidden-header',
    named: 'pax_global_header',
  },
  // Doubles.
  'is there twice': { entries: [file('a', '1'), file('a', '2')], rule: 'same-path', named: 'a' },
  'differs in case only': {
    entries: [file('File'), file('file')],
    rule: 'same-path',
    named: 'file',
  },
  'folds to another name (CVE-2026-23950)': {
    entries: [file('a\ufb06'), file('ast')],
    rule: 'same-path',
    named: 'ast',
  },
  'is a file where a directory is': {
    entries: [{ path: 'a/', type: 'directory' }, file('a')],
    rule: 'same-path',
    named: 'a',
  },
  'is below a file': { entries: [file('a'), file('a/b')], rule: 'same-path', named: 'a' },
  'has a directory that differs in case': {
    entries: [file('Dir/a'), file('dir/b')],
    rule: 'same-path',
    named: 'dir',
  },
  // Amounts.
  'is one too many': {
    entries: [file('a'), file('b'), file('c')],
    rule: 'entry-count',
    named: 'c',
    limits: { entries: 2 },
  },
  'is too large together with the others': {
    entries: [file('a', 'x'.repeat(600)), file('b', 'x'.repeat(600))],
    rule: 'total-bytes',
    named: 'b',
    limits: { bytes: 1000 },
  },
  'says that it is enormous': {
    entries: [{ path: 'a', content: 'x', declaredSize: 2 ** 35 }],
    rule: 'total-bytes',
    named: 'a',
  },
  'says by pax that it is enormous': {
    entries: [pax({ size: '9007199254740991' }), file('a')],
    rule: 'total-bytes',
    named: 'a',
  },
  'is too deep': {
    entries: [file(`${'a/'.repeat(65)}b`)],
    rule: 'depth',
    named: 'a/a/a/',
  },
  'has a path that is too long': {
    entries: [longName('n'.repeat(5000)), file('a')],
    rule: 'path-length',
    named: 'nnnnn',
  },
  'has a long name of megabytes': {
    entries: [longName('n'.repeat(2_000_000)), file('a')],
    rule: 'path-length',
    named: '@LongLink',
  },
};

test('the corpus is as large as promised', () => {
  expect(Object.keys(corpus).length + Object.keys(zips).length).toBeGreaterThanOrEqual(60);
});

/** Extracts below a directory with a neighbour, and looks at everything around afterwards. */
async function expectRefusal(
  bytes: Uint8Array,
  { rule, named, limits }: Omit<Hostile, 'entries'>,
): Promise<void> {
  await using work = await temporaryDirectory();
  await mkdir(join(work.path, 'around', 'place'), { recursive: true });
  await writeFile(join(work.path, 'around', 'neighbour'), 'untouched');
  const archive = join(work.path, 'archive');
  await writeFile(archive, bytes);
  const outcome = extractArchive(archive, join(work.path, 'around', 'place', 'tree'), { limits });
  await expect(outcome).rejects.toMatchObject({
    code: expect.stringMatching(/^(ARCHIVE_UNSAFE|LIMIT_EXCEEDED)$/),
    message: expect.stringContaining(named),
  });
  await expect(outcome).rejects.toThrow(`(rule ${rule})`);
  expect((await readdir(work.path, { recursive: true })).sort()).toEqual([
    'archive',
    'around',
    'around/neighbour',
    'around/place',
  ]);
  expect(await readFile(join(work.path, 'around', 'neighbour'), 'utf8')).toBe('untouched');
}

test.each(Object.entries(corpus))('refuses a tar whose entry %s', async (_, hostile) => {
  await expectRefusal(tar([file('first'), ...hostile.entries]), {
    ...hostile,
    ...(hostile.limits?.entries && { limits: { entries: hostile.limits.entries + 1 } }),
  });
  await expectRefusal(gzip(tar(hostile.entries)), hostile);
});

const unix = (mode: number): { os: number; attrs: number } => ({ os: 3, attrs: mode * 65_536 });
const content = bytesOf('x');

const zips: Readonly<Record<string, Omit<Hostile, 'entries'> & { readonly files: Zippable }>> = {
  'leads out (CVE-2021-21272)': {
    files: { '../escaped': content },
    rule: 'parent-path',
    named: '../escaped',
  },
  'is absolute': { files: { '/escaped': content }, rule: 'absolute-path', named: '/escaped' },
  'has backslashes': {
    files: { '..\\escaped': content },
    rule: 'forbidden-character',
    named: '..\\\\escaped',
  },
  'has a drive of Windows': {
    files: { 'C:/escaped': content },
    rule: 'forbidden-character',
    named: 'C:/escaped',
  },
  'is a link': {
    files: { link: [bytesOf('../..'), unix(0o120777)] },
    rule: 'link',
    named: 'link',
  },
  'is a device': { files: { disk: [content, unix(0o060644)] }, rule: 'device', named: 'disk' },
  'differs in case only': {
    files: { File: content, file: content },
    rule: 'same-path',
    named: 'file',
  },
  'is a directory with content': {
    files: { 'a/': [content, {}] },
    rule: 'hidden-header',
    named: 'a/',
  },
  'unpacks to far more than it is': {
    files: { zeros: new Uint8Array(3_000_000) },
    rule: 'ratio',
    named: 'zeros',
    limits: { ratioFloorBytes: 1_000_000 },
  },
  'is one too many': {
    files: { a: content, b: content },
    rule: 'entry-count',
    named: 'b',
    limits: { entries: 1 },
  },
  'is too large': {
    files: { a: new Uint8Array(2000) },
    rule: 'total-bytes',
    named: 'a',
    limits: { bytes: 1000 },
  },
};

test.each(Object.entries(zips))(
  'refuses a zip whose entry %s',
  async (_, { files, ...hostile }) => {
    await expectRefusal(zipSync(files), hostile);
  },
);

test('refuses a zip that is encrypted', async () => {
  const bytes = zipSync({ secret: content });
  // The first bit of the general purpose flags, in the central directory (APPNOTE 4.4.4).
  const at = Buffer.from(bytes).indexOf('PK\u0001\u0002', 0, 'latin1') + 8;
  bytes[at] = (bytes[at] ?? 0) | 1;
  await expectRefusal(bytes, { rule: 'encrypted', named: 'secret' });
});

/** Offsets in the header before the content (APPNOTE 4.3.7), with a byte that is another one there. */
const localFields: readonly (readonly [what: string, offset: number])[] = [
  ['another name', 30],
  ['another method', 8],
  ['another flag for names', 7],
  ['a flag for encryption', 6],
  ['another checksum', 14],
  ['another packed size', 18],
  ['another size', 22],
];

test.each(localFields)(
  'refuses a zip that has %s before the content than in its directory',
  async (_, offset) => {
    const bytes = zipSync({ name: content }, { level: 0 });
    bytes[offset] = (bytes[offset] ?? 0) ^ (offset === 7 ? 8 : 1);
    await expectRefusal(bytes, { rule: 'two-headers', named: 'name' });
  },
);

test('reads a zip whose sizes stand behind the content', async () => {
  await using work = await temporaryDirectory();
  const archive = join(work.path, 'archive');
  const chunks: Uint8Array[] = [];
  const zip = new Zip((_error, chunk) => void chunks.push(chunk));
  const streamed = new ZipDeflate('a');
  zip.add(streamed);
  streamed.push(bytesOf('streamed'), true);
  zip.end();
  await writeFile(archive, Buffer.concat(chunks));
  const tree = await extractArchive(archive, join(work.path, 'tree'));
  expect(await readFile(join(tree.root, 'a'), 'utf8')).toBe('streamed');
});

test('counts the directories that paths only pass through', async () => {
  const deep = Array.from({ length: 10 }, (_, at) => file(`${at}/${'a/'.repeat(20)}f`));
  await expectRefusal(gzip(tar(deep)), {
    rule: 'entry-count',
    named: '4/a/a/a/a/a/a/a/a/a/a/a',
    limits: { entries: 100 },
  });
});

test('refuses a gzip that unpacks to far more than it is (CVE-2026-59873)', async () => {
  const bomb = gzip(tar([{ path: 'zeros', content: new Uint8Array(30_000_000) }]));
  await expectRefusal(bomb, {
    rule: 'ratio',
    named: 'zeros',
    limits: { ratioFloorBytes: 1_000_000 },
  });
});

test('reads what stands behind a pax header for a long name as all tools do (tar 7.5.16)', async () => {
  await using work = await temporaryDirectory();
  const archive = join(work.path, 'archive');
  const hidden = tar([file('hidden')], { end: false });
  // A size that were applied to the long name would make the hidden entry appear.
  const entries = [
    pax({ size: `${hidden.byteLength}` }),
    longName('shown'),
    { path: 'a', content: hidden },
  ];
  await writeFile(archive, tar(entries));
  const tree = await extractArchive(archive, join(work.path, 'tree'));
  expect(await readdir(tree.root)).toEqual(['shown']);
});
