import { type ObjectStore, createMemoryObjectStore } from '@oci/cache';
import { type ResolvedManifest, mediaTypes, parseRepositoryName, parseTag } from '@oci/spec-types';
import { describeManifest, digestOf } from '@oci/spec-types/node';
import { bytesOf, collect, randomBytes } from '@oci/testing';
import { expect, test } from 'vitest';

import { createHostedRegistry } from './hosted-registry.js';
import { bytes as bodyOf } from './json-object.js';
import { keys } from './keys.js';

const name = parseRepositoryName('a');
const tag = parseTag('1');
const subject = { mediaType: mediaTypes.imageManifest, digest: digestOf(bytesOf('it')), size: 2 };

function referrer(note: string): ResolvedManifest {
  const { imageIndex: mediaType } = mediaTypes;
  const index = { schemaVersion: 2, mediaType, manifests: [], subject, annotations: { note } };
  return describeManifest(bytesOf(JSON.stringify(index)));
}

/** As a power cut may leave the files below a prefix. */
async function damage(store: ObjectStore, prefix: string, text: string): Promise<void> {
  for await (const key of store.list(prefix)) await store.put(key, bodyOf(bytesOf(text)));
}

const damages = [
  ['empty', ''],
  ['cut', '{"dig'],
  ['null', 'null'],
  ['array', '[]'],
  ['object', '{}'],
  ['endless', JSON.stringify('x'.repeat(9 * 1024 * 1024))],
] as const;

async function digestsOf(entries: AsyncIterable<{ readonly digest: string }>): Promise<string[]> {
  const digests: string[] = [];
  for await (const { digest } of entries) digests.push(digest);
  return digests.sort();
}

test.each(damages)(
  'an %s record of a manifest or a tag counts as missing until the next push',
  async (_, text) => {
    const store = createMemoryObjectStore();
    const { manifests } = createHostedRegistry(store);
    const manifest = referrer('one');
    const { digest } = manifest.descriptor;
    await manifests.put(name, manifest, { tags: [tag] });
    await damage(store, 'v2/manifests/a/', text);
    await damage(store, 'v2/tags/a/', text);
    expect(await manifests.resolve(name, { tag })).toBeUndefined();
    expect(await manifests.resolve(name, { digest })).toBeUndefined();
    await manifests.put(name, manifest, { tags: [tag] });
    expect((await manifests.resolve(name, { tag }))?.digest).toBe(digest);
    expect((await manifests.resolve(name, { digest }))?.digest).toBe(digest);
  },
);

test.each(damages)('an %s entry hides no other one in a list of referrers', async (_, text) => {
  const store = createMemoryObjectStore();
  const { manifests } = createHostedRegistry(store);
  const [one, two] = [referrer('one'), referrer('two')];
  await manifests.put(name, one, { tags: [] });
  await damage(store, 'v2/referrers/a/', text);
  await manifests.put(name, two, { tags: [] });
  expect(await digestsOf(manifests.referrers(name, subject.digest))).toEqual([
    two.descriptor.digest,
  ]);
  await manifests.put(name, one, { tags: [] });
  expect(await digestsOf(manifests.referrers(name, subject.digest))).toHaveLength(2);
});

test.each(damages)('an %s upload keeps nobody from beginning another one', async (_, text) => {
  const store = createMemoryObjectStore();
  const session = await createHostedRegistry(store).uploads.begin(name, 'me');
  await damage(store, 'v2/uploads/', text);
  const { uploads } = createHostedRegistry(store);
  const isThere = await uploads.use({ name, session }, async (upload) => upload !== undefined);
  expect(isThere).toBe(false);
  expect(await uploads.begin(name, 'me')).not.toBe(session);
});

const wrongFields = [
  { digest: undefined },
  { digest: 'sha256:ab' },
  { mediaType: 'a/b\r\nx-evil: 1' },
  { mediaType: 5 },
  { size: -1 },
  { size: 1.5 },
  { size: '10' },
  { size: 7 },
  { size: 9 * 1024 * 1024 },
  { pushedAt: 'today' },
  { subject: 5 },
  { untaggedSince: 'yesterday' },
];

test.each(wrongFields)(
  'a record of a manifest or a tag with %j counts as missing, is told of, and heals',
  async (fields) => {
    const store = createMemoryObjectStore();
    const damaged: string[] = [];
    const { manifests } = createHostedRegistry(store, {
      onDamagedRecord: (key) => damaged.push(key),
    });
    const manifest = referrer('one');
    const { digest, mediaType, size } = manifest.descriptor;
    const text = JSON.stringify({ mediaType, digest, size, pushedAt: 1, ...fields });
    await manifests.put(name, manifest, { tags: [tag] });
    for (const prefix of ['v2/manifests/a/', 'v2/tags/a/']) await damage(store, prefix, text);
    expect(await manifests.resolve(name, { tag })).toBeUndefined();
    expect(await manifests.resolve(name, { digest })).toBeUndefined();
    expect(damaged).toEqual([keys.tag(name, tag), keys.manifest(name, digest)]);
    await manifests.put(name, manifest, { tags: [tag] });
    expect((await manifests.resolve(name, { tag }))?.size).toBe(size);
    expect((await manifests.resolve(name, { digest }))?.size).toBe(size);
  },
);

test('a record of a manifest that is of another digest than its key counts as missing', async () => {
  const store = createMemoryObjectStore();
  const { manifests } = createHostedRegistry(store);
  const [one, other] = [referrer('one'), referrer('two')];
  await manifests.put(name, one, { tags: [] });
  await manifests.put(name, other, { tags: [] });
  const record = JSON.stringify({ ...other.descriptor, pushedAt: 1 });
  await damage(store, keys.manifest(name, one.descriptor.digest), record);
  expect(await manifests.resolve(name, one.descriptor)).toBeUndefined();
  expect(await manifests.resolve(name, other.descriptor)).toBeDefined();
});

/** Fields of a record of content, and what is stored. */
const wrongContent = [
  ['{"size":10}', 1],
  ['{"size":10}', 3 * 1024 * 1024],
  ['{"size":2097152}', 1],
  ['{"size":2097152}', 3 * 1024 * 1024],
  ['{"size":-1}', 1],
  ['{"size":"x"}', 1],
  ['{"data":5}', 1],
  ['{"data":5,"size":"x"}', 1],
  ['{"data":"../../x"}', 1],
  ['{"condemned":"yes"}', 1],
] as const;
const ways = ['read before', 'known by its push', 'of a server that has just started'] as const;

test.each(
  wrongContent.flatMap(([fields, size]) => ways.map((way) => [fields, size, way] as const)),
)(
  'content with %s in its record, of %i bytes, %s, is not served until it is pushed again',
  async (fields, size, way) => {
    const store = createMemoryObjectStore();
    const first = createHostedRegistry(store);
    const content = randomBytes(5, size);
    const descriptor = { digest: digestOf(content), size };
    const { digest } = descriptor;
    const push = (blobs: typeof first.blobs) =>
      blobs.put(name, { descriptor, body: bodyOf(content) });
    const read = async ({ blobs }: typeof first, range?: { first: number; last: number }) => {
      const found = await blobs.find(name, digest);
      const served = found && (await blobs.serve(found, { range }));
      return served && ('bytes' in served ? served.bytes : collect(served.body));
    };
    await push(first.blobs);
    if (way === 'read before') await read(first);
    const key = keys.content(digest);
    const record = Buffer.from(await collect((await store.get(key))?.body ?? [])).toString();
    const wrong = { ...(JSON.parse(record) as object), ...(JSON.parse(fields) as object) };
    await damage(store, key, JSON.stringify(wrong));
    const here = way === 'of a server that has just started' ? createHostedRegistry(store) : first;
    expect(await read(here)).toBeUndefined();
    await damage(store, key, JSON.stringify({ ...wrong, writes: ['another'] }));
    expect(await read(here, { first: 0, last: 0 })).toBeUndefined();
    await push(here.blobs);
    expect(await read(here)).toHaveLength(size);
  },
);

test('content whose record says another size heals by a push that comes before any read', async () => {
  const store = createMemoryObjectStore();
  const { blobs } = createHostedRegistry(store);
  const content = bytesOf('x');
  const descriptor = { digest: digestOf(content), size: 1 };
  const push = () => blobs.put(name, { descriptor, body: bodyOf(content) });
  await push();
  const key = keys.content(descriptor.digest);
  const data = [];
  for await (const stored of store.list(keys.allData)) data.push(stored);
  const id = data[0]?.slice(keys.allData.length).replace('/', '');
  await damage(store, key, JSON.stringify({ data: id, size: 10 }));
  await push();
  expect((await blobs.open(name, descriptor.digest))?.size).toBe(1);
});

test('a link with other kinds than there are counts as missing, until the blob is pushed again', async () => {
  const store = createMemoryObjectStore();
  const { blobs } = createHostedRegistry(store);
  const content = bytesOf('x');
  const descriptor = { digest: digestOf(content), size: 1 };
  const push = () => blobs.put(name, { descriptor, body: bodyOf(content) });
  for (const text of ['{}', '[]', '{"kinds":5}', '{"kinds":[5]}', '{"kinds":"blob"}']) {
    await push();
    await damage(store, keys.links(descriptor.digest), text);
    expect(await blobs.size(name, descriptor.digest)).toBeUndefined();
  }
  await push();
  expect(await blobs.size(name, descriptor.digest)).toBe(1);
});

test('an entry of a list of referrers with wrong fields is left out', async () => {
  const store = createMemoryObjectStore();
  const { manifests } = createHostedRegistry(store);
  const one = referrer('one');
  await manifests.put(name, one, { tags: [] });
  for (const fields of [{ size: -1 }, { digest: subject.digest }, { annotations: { a: 5 } }]) {
    await damage(store, 'v2/referrers/a/', JSON.stringify({ ...one.descriptor, ...fields }));
    expect(await digestsOf(manifests.referrers(name, subject.digest))).toEqual([]);
  }
  await damage(store, 'v2/referrers/a/', JSON.stringify(one.descriptor));
  expect(await digestsOf(manifests.referrers(name, subject.digest))).toHaveLength(1);
});

test('an upload with wrong fields is no upload', async () => {
  const store = createMemoryObjectStore();
  const { uploads } = createHostedRegistry(store);
  const session = await uploads.begin(name, 'me');
  const isThere = () => uploads.use({ name, session }, async (upload) => upload !== undefined);
  for (const pieces of [5, [5], [['x', 1]], [['ab'.repeat(16), -1]]]) {
    await damage(store, 'v2/uploads/', JSON.stringify({ repository: name, pieces }));
    expect(await isThere()).toBe(false);
  }
  await damage(store, 'v2/uploads/', JSON.stringify({ repository: name, pieces: [] }));
  expect(await isThere()).toBe(true);
});
