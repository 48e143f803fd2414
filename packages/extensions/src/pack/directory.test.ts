import { execFile } from 'node:child_process';
import {
  chmod,
  mkdir,
  readFile,
  readdir,
  readlink,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';

import type { Descriptor } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import { type TemporaryDirectory, temporaryDirectory } from '@oci/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { unpackPackedDirectory } from '../recognise/packed-directory.js';
import { type PackDirectoryOptions, packDirectory } from './directory.js';

let work: TemporaryDirectory;
beforeEach(async () => {
  work = await temporaryDirectory();
});
afterEach(async () => {
  await work.remove();
});

type Files = Readonly<Record<string, string | { readonly link: string }>>;

async function source(files: Files, name = 'src'): Promise<string> {
  const directory = join(work.path, name);
  await mkdir(directory, { recursive: true });
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(directory, dirname(path)), { recursive: true });
    if (typeof content === 'string') await writeFile(join(directory, path), content);
    else await symlink(content.link, join(directory, path));
  }
  return directory;
}

let count = 0;
async function packed(
  directory: string,
  options: PackDirectoryOptions = {},
): Promise<{ layer: Descriptor; bytes: Buffer; archivePath: string }> {
  count += 1;
  const archivePath = join(work.path, `archive-${count}`);
  const layer = await packDirectory(directory, { title: 'docs/site', archivePath }, options);
  return { layer, bytes: await readFile(archivePath), archivePath };
}

const site: Files = {
  'b.txt': 'b',
  'a/run.sh': '#!/bin/sh\n',
  'a/current': { link: '../b.txt' },
  latest: { link: 'a' },
  '.git/config': 'kept, as oras does',
};

test('a directory becomes one layer in the shape of oras, links within it kept', async () => {
  const { layer, bytes } = await packed(await source(site));
  expect(layer).toEqual({
    mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
    digest: digestOf(bytes),
    size: bytes.byteLength,
    annotations: {
      'org.opencontainers.image.title': 'docs/site',
      'io.deis.oras.content.digest': digestOf(gunzipSync(bytes)),
      'io.deis.oras.content.unpack': 'true',
    },
  });
});

test('what is packed is unpacked as it was', async () => {
  const directory = await source(site);
  await chmod(join(directory, 'a/run.sh'), 0o700);
  await mkdir(join(directory, 'empty'));
  const long = `${'d'.repeat(120)}/${'ä'.repeat(100)}`;
  await source({ [`${long}.txt`]: 'long', [`${long}.link`]: { link: `${'ä'.repeat(100)}.txt` } });
  const { layer, archivePath } = await packed(directory);
  const destination = join(work.path, 'out');
  await unpackPackedDirectory(archivePath, { layer, destination });
  const names = async (root: string): Promise<string[]> =>
    (await readdir(root, { recursive: true })).sort();
  expect(await names(destination)).toEqual(await names(directory));
  expect(await readlink(join(destination, 'a/current'))).toBe('../b.txt');
  expect(await readFile(join(destination, `${long}.link`), 'utf8')).toBe('long');
  expect((await stat(join(destination, 'a/run.sh'))).mode & 0o111).toBe(0o111);
});

test('the same content makes the same bytes, whatever its times, modes and order', async () => {
  const large = { 'large.bin': 'some content\n'.repeat(300_000) };
  const one = await source({ ...site, ...large }, 'one');
  const two = await source(
    Object.fromEntries(Object.entries({ ...site, ...large }).reverse()),
    'two',
  );
  const past = new Date(1_000_000_000_000);
  await utimes(join(two, 'b.txt'), past, past);
  await chmod(join(two, 'b.txt'), 0o600);
  const [first, second] = [await packed(one), await packed(two)];
  expect(second.layer).toEqual(first.layer);
  expect(second.bytes.equals(first.bytes)).toBe(true);
});

test('packs to these bytes on every machine, and with every release of Node', async () => {
  const { layer } = await packed(await source({ ...site, 'c.txt': 'text\n'.repeat(50_000) }));
  expect(layer.digest).toBe(
    'sha256:03c03daa10557b4534657c806eaf755d3e9f96b391f3257f81a5727158635ed0',
  );
});

test.each<[string, string]>([
  ['absolute', '/etc/passwd'],
  ['upward', '../neighbour'],
  ['through another link', 'latest/../../neighbour'],
])('a link that leads out is refused: %s', async (_, link) => {
  const directory = await source({ ...site, escape: { link } });
  await expect(packed(directory)).rejects.toMatchObject({
    code: 'USAGE',
    message: `escape is a link that leads out of the directory, to ${JSON.stringify(link)}`,
    hint: expect.stringContaining('copy'),
  });
  expect(await readdir(work.path)).toEqual(['src']);
});

test('a pipe is refused', async () => {
  const directory = await source({});
  await promisify(execFile)('mkfifo', [join(directory, 'pipe')]);
  await expect(packed(directory)).rejects.toMatchObject({
    code: 'USAGE',
    message: 'pipe is neither a file nor a directory',
  });
});

test.each<[string, Files, string]>([
  ['two names that are one on macOS', { 'A.txt': '', 'a.txt': '' }, 'same-path'],
  ['a name that Windows does not take', { 'a:b': '' }, 'forbidden-character'],
  ['more levels than are unpacked', { [`${'d/'.repeat(63)}f`]: '' }, 'depth'],
])('%s is refused, because nobody could unpack it everywhere', async (_, files, rule) => {
  await expect(packed(await source(files))).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining(`(rule ${rule})`),
  });
});

test('entries and bytes are bounded, and nothing half-written stays', async () => {
  const directory = await source({ a: '12345', b: '67890' });
  await expect(packed(directory, { entries: 1 })).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  await expect(packed(directory, { bytes: 9 })).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  await truncate(join(directory, 'a'), 5 * 1024 ** 3);
  await expect(packed(directory)).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  expect(await readdir(work.path)).toEqual(['src']);
});

test('content that shrinks more than an extraction allows is refused', async () => {
  const directory = await source({ zeros: '' });
  await truncate(join(directory, 'zeros'), 70 * 1024 ** 2);
  await expect(packed(directory)).rejects.toMatchObject({
    code: 'LIMIT_EXCEEDED',
    message: expect.stringContaining('to less than a 200th of its size'),
  });
  expect(await readdir(work.path)).toEqual(['src']);
});

test('a call that is given up leaves nothing', async () => {
  const signal = AbortSignal.abort();
  await expect(packed(await source(site), { signal })).rejects.toMatchObject({ code: 'ABORTED' });
  expect(await readdir(work.path)).toEqual(['src']);
});
