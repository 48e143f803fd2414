import { appendFile, mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { type Descriptor, parseRegistryHost, parseRepositoryName, parseTag } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import { bytesOf, gzip, inChunks, tarOfFiles, temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import { type Cache, openCache } from './cache.js';
import type { ReferenceKey, MaterializedName } from './cache-format.js';
import type { MaterializeRequest } from './materialized-files.js';

const kcl: MaterializedName = { kind: 'kcl', name: 'demo', version: '1.0.0' };
const archive = tarOfFiles({ 'kcl.mod': '[package]\nname = "demo"\n' });

function referenceOf(registry: string, repository: string): ReferenceKey {
  return {
    registry: parseRegistryHost(registry),
    repository: parseRepositoryName(repository),
    tag: parseTag('1.0.0'),
  };
}

async function requestOf(
  cache: Cache,
  bytes: Uint8Array,
  change: Partial<MaterializeRequest> = {},
): Promise<MaterializeRequest> {
  const descriptor: Descriptor = {
    mediaType: 'application/vnd.oci.image.layer.v1.tar',
    digest: digestOf(bytes),
    size: bytes.byteLength,
  };
  await cache.content.pushBlob(descriptor, inChunks(bytes, 1_000));
  const blob = await cache.content.get(descriptor);
  if (!blob) throw new Error('the blob was just stored');
  return {
    name: kcl,
    reference: referenceOf('localhost:5000', 'kcl/demo'),
    manifestDigest: digestOf(bytesOf('manifest')),
    blob,
    ...change,
  };
}

test.each([
  [kcl, 'kcl/demo/1.0.0/package.tar.gz'],
  [
    { kind: 'extension', type: 'provider', name: 'aws', version: '2.0.0' } as const,
    'extensions/provider/aws/2.0.0/artifact.tar.gz',
  ],
])('shows a gzip tar as it is, at the path of %j', async (name, path) => {
  await using directory = await temporaryDirectory();
  const cache = await openCache(directory.path);
  const bytes = gzip(archive);
  const view = await cache.files.materialize(await requestOf(cache, bytes, { name }));
  expect(view.path).toBe(join(directory.path, path));
  expect(digestOf(await readFile(view.path))).toBe(digestOf(bytes));
});

test('shows a plain tar compressed, always with the same bytes', async () => {
  await using directory = await temporaryDirectory();
  const cache = await openCache(directory.path);
  const request = await requestOf(cache, archive);
  const first = await readFile((await cache.files.materialize(request)).path);
  expect(digestOf(gunzipSync(first))).toBe(digestOf(archive));
  expect(first.subarray(4, 10)).toEqual(Buffer.from([0, 0, 0, 0, 0, 255]));
  await rm(join(directory.path, 'kcl'), { recursive: true });
  expect(await readFile((await cache.files.materialize(request)).path)).toEqual(first);
});

test('leaves a file as it is that has the same content already', async () => {
  await using directory = await temporaryDirectory();
  const cache = await openCache(directory.path);
  const request = await requestOf(cache, gzip(archive));
  const { path } = await cache.files.materialize(request);
  const before = await stat(path, { bigint: true });
  await (await openCache(directory.path)).files.materialize(request);
  expect((await stat(path, { bigint: true })).ino).toBe(before.ino);
});

test.each<[string, Partial<MaterializeRequest>]>([
  ['another registry', { reference: referenceOf('registry.example', 'kcl/demo') }],
  ['another repository', { reference: referenceOf('localhost:5000', 'other/demo') }],
  ['another manifest', { manifestDigest: digestOf(bytesOf('other')) }],
])('never serves what %s left under the same name', async (_, change) => {
  await using directory = await temporaryDirectory();
  const cache = await openCache(directory.path);
  await cache.files.materialize(await requestOf(cache, gzip(tarOfFiles({ foreign: '' })), change));
  const wanted = gzip(archive);
  const { path } = await cache.files.materialize(await requestOf(cache, wanted));
  expect(digestOf(await readFile(path))).toBe(digestOf(wanted));
});

test('a record never says of one content what another writer put there', async () => {
  await using directory = await temporaryDirectory();
  const cache = await openCache(directory.path, { fsync: false });
  const requests = await Promise.all(
    ['a', 'b', 'c'].map((text) => requestOf(cache, gzip(tarOfFiles({ 'main.k': text })))),
  );
  const record = join(directory.path, 'kcl/demo/1.0.0/view.json');
  for (let round = 0; round < 60; round += 1) {
    await Promise.all(requests.map((request) => cache.files.materialize(request)));
    const { layer } = JSON.parse(await readFile(record, 'utf8')) as { layer: string };
    const request = requests.find(({ blob }) => blob.descriptor.digest === layer);
    if (!request) throw new Error('it is a record of none of them');
    const { path } = await cache.files.materialize(request);
    expect(digestOf(await readFile(path))).toBe(layer);
  }
});

test('makes a file anew that somebody changed, and the blob is as it was', async () => {
  await using directory = await temporaryDirectory();
  const cache = await openCache(directory.path);
  const bytes = gzip(archive);
  const request = await requestOf(cache, bytes);
  const { path } = await cache.files.materialize(request);
  await appendFile(path, 'changed');
  expect(digestOf(await readFile(request.blob.path))).toBe(digestOf(bytes));
  await cache.files.materialize(request);
  expect(digestOf(await readFile(path))).toBe(digestOf(bytes));
});

test('makes a file anew whose record is missing or broken', async () => {
  await using directory = await temporaryDirectory();
  const cache = await openCache(directory.path);
  const request = await requestOf(cache, gzip(archive));
  const { path } = await cache.files.materialize(request);
  const record = join(path, '..', 'view.json');
  for (const spoil of [() => rm(record), () => writeFile(record, '{"version":1,')]) {
    await spoil();
    await writeFile(path, 'not what it was');
    await cache.files.materialize(request);
    expect(digestOf(await readFile(path))).toBe(request.blob.descriptor.digest);
  }
});

test.each([
  ['text', bytesOf('# a readme\n')],
  ['zip', Buffer.concat([bytesOf('PK\u0003\u0004'), new Uint8Array(600)])],
  ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0])],
])('refuses to show %s as a tar, and leaves no file', async (_, bytes) => {
  await using directory = await temporaryDirectory();
  const cache = await openCache(directory.path);
  const request = await requestOf(cache, bytes);
  await expect(cache.files.materialize(request)).rejects.toMatchObject({
    code: 'UNSUPPORTED',
    hint: expect.stringContaining('blobs/'),
  });
  expect(await readdir(join(directory.path, 'kcl/demo/1.0.0'))).toEqual([]);
  expect(await readdir(join(directory.path, '.tmp'))).toEqual([]);
});

test.each([
  ['demo', '..'],
  ['demo', '../1.0.0'],
  ['demo', 'a/b'],
  ['../demo', '1.0.0'],
  ['/etc', '1.0.0'],
  ['de\\mo', '1.0.0'],
  ['', '1.0.0'],
  ['demo', ''],
])('makes no path of the name %j and the version %j', async (name, version) => {
  await using directory = await temporaryDirectory();
  await mkdir(join(directory.path, 'cache'));
  const cache = await openCache(join(directory.path, 'cache'));
  for (const view of [
    { kind: 'kcl', name, version },
    { kind: 'extension', type: 'provider', name, version },
    { kind: 'extension', type: '..', name: 'demo', version: '1.0.0' },
  ] as const) {
    const request = await requestOf(cache, gzip(archive), { name: view });
    await expect(cache.files.materialize(request)).rejects.toMatchObject({
      code: 'REFERENCE_INVALID',
    });
  }
  expect(await readdir(directory.path)).toEqual(['cache']);
});
