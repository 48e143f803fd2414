import { appendFile, readFile, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Descriptor, Digest, VerifiedFile } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import { bytesOf, collect, inChunks, randomBytes, temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import { ContentStore } from './content-store.js';
import { FileObjectStore } from './store/file-object-store.js';

const bytes = randomBytes(1, 300_000);
const blob: Descriptor = {
  mediaType: 'application/octet-stream',
  digest: digestOf(bytes),
  size: bytes.byteLength,
};

interface Bench extends AsyncDisposable {
  readonly path: string;
  readonly content: ContentStore;
  readonly damaged: Digest[];
  /** As another process that begins later sees it. */
  readonly again: () => ContentStore;
}

async function bench(): Promise<Bench> {
  const directory = await temporaryDirectory();
  const damaged: Digest[] = [];
  const again = (): ContentStore =>
    new ContentStore(new FileObjectStore(directory.path), {
      onDamage: ({ digest }) => damaged.push(digest),
    });
  return {
    path: directory.path,
    content: again(),
    damaged,
    again,
    [Symbol.asyncDispose]: directory.remove,
  };
}

async function collectDigests(content: ContentStore): Promise<Digest[]> {
  const digests: Digest[] = [];
  for await (const digest of content.list()) digests.push(digest);
  return digests;
}

test('gives back what was pushed, in this process and the next', async () => {
  await using here = await bench();
  await here.content.pushBlob(blob, inChunks(bytes, 65_536));
  for (const content of [here.content, here.again()]) {
    const stored = await content.get(blob);
    expect(stored && digestOf(await readFile(stored.path))).toBe(blob.digest);
    expect(digestOf(await collect(await content.fetchBlob(blob)))).toBe(blob.digest);
  }
  expect(await collectDigests(here.content)).toEqual([blob.digest]);
});

test.each([
  ['other bytes', randomBytes(2, blob.size), 'DIGEST_MISMATCH'],
  ['too few bytes', bytes.subarray(1), 'SIZE_MISMATCH'],
  ['too many bytes', Buffer.concat([bytes, bytesOf('!')]), 'SIZE_MISMATCH'],
])('refuses %s and keeps nothing', async (_, wrong, code) => {
  await using here = await bench();
  const push = here.content.pushBlob(blob, inChunks(wrong, 65_536));
  await expect(push).rejects.toMatchObject({ code });
  expect(await here.content.get(blob)).toBeUndefined();
  expect(await readdir(join(here.path, '.tmp'))).toEqual([]);
  expect(await readdir(here.path)).toEqual(['.tmp']);
});

test.each([
  ['altered', (path: string) => writeFile(path, randomBytes(3, blob.size))],
  ['cut', (path: string) => writeFile(path, bytes.subarray(0, 10))],
  ['grown', (path: string) => appendFile(path, 'more')],
  ['emptied', (path: string) => writeFile(path, '')],
])('sets a file aside that was %s, and takes it again', async (_, damage) => {
  await using here = await bench();
  await here.content.pushBlob(blob, inChunks(bytes, 65_536));
  const stored = await here.content.get(blob);
  await damage(stored?.path ?? '');
  expect(await here.content.get(blob)).toBeUndefined();
  expect(here.damaged).toEqual([blob.digest]);
  expect(await readdir(join(here.path, 'quarantine'))).toHaveLength(1);

  await here.content.pushBlob(blob, inChunks(bytes, 65_536));
  expect(await here.content.hasBlob(blob)).toBe(true);
  expect(here.damaged).toEqual([blob.digest]);
});

test('believes a file that was only touched, after hashing it once', async () => {
  await using here = await bench();
  await here.content.pushBlob(blob, inChunks(bytes, 65_536));
  const stored = await here.content.get(blob);
  const then = new Date(1_000_000_000_000);
  await utimes(stored?.path ?? '', then, then);
  expect(await here.again().get(blob)).toBeDefined();
  expect(here.damaged).toEqual([]);
});

test('does not believe a file that somebody put there, before hashing it', async () => {
  await using here = await bench();
  await here.content.pushBlob(blob, inChunks(bytes, 65_536));
  const stored = await here.content.get(blob);
  await rm(here.content.pathOf(blob.digest));
  await writeFile(stored?.path ?? '', randomBytes(4, blob.size));
  expect(await here.content.get(blob)).toBeUndefined();
  expect(here.damaged).toEqual([blob.digest]);
});

test('fails while it streams a damaged blob, naming both digests', async () => {
  await using here = await bench();
  await here.content.pushBlob(blob, inChunks(bytes, 65_536));
  const wrong = randomBytes(5, blob.size);
  await writeFile((await here.content.get(blob))?.path ?? '', wrong);
  await expect(collect(await here.content.fetchBlob(blob))).rejects.toMatchObject({
    code: 'DIGEST_MISMATCH',
    message: expect.stringMatching(
      new RegExp(`${blob.digest}[^]*${digestOf(wrong)}|${digestOf(wrong)}[^]*${blob.digest}`),
    ),
  });
});

test('gives no blob up because a descriptor tells a wrong size', async () => {
  await using here = await bench();
  await here.content.pushBlob(blob, inChunks(bytes, 65_536));
  const wrong = here.content.get({ ...blob, size: 1 });
  await expect(wrong).rejects.toMatchObject({ code: 'SIZE_MISMATCH' });
  expect(await here.content.hasBlob(blob)).toBe(true);
  expect(here.damaged).toEqual([]);
});

test('lets two push the same blob at once', async () => {
  await using here = await bench();
  const other = here.again();
  await Promise.all([
    here.content.pushBlob(blob, inChunks(bytes, 65_536)),
    other.pushBlob(blob, inChunks(bytes, 4_096)),
  ]);
  expect(await other.hasBlob(blob)).toBe(true);
  expect(here.damaged).toEqual([]);
});

test('keeps sha512 content beside sha256', async () => {
  await using here = await bench();
  const long = { ...blob, digest: digestOf(bytes, 'sha512') };
  await here.content.pushBlob(long, inChunks(bytes, 65_536));
  expect(await here.content.hasBlob(long)).toBe(true);
  expect(await here.content.hasBlob(blob)).toBe(false);
});

test.each([
  ['pushed', (content: ContentStore) => content.pushBlob(blob, inChunks(bytes, 65_536))],
  [
    'downloaded',
    async (content: ContentStore, path: string) => {
      const file = join(path, 'downloaded');
      await writeFile(file, bytes);
      await content.adopt({ descriptor: blob, path: file } as VerifiedFile);
      expect(await readdir(path)).not.toContain('downloaded');
    },
  ],
])('replaces a damaged file by the content that is %s, and counts it once', async (_, take) => {
  await using here = await bench();
  await here.content.pushBlob(blob, inChunks(bytes, 65_536));
  const path = here.content.pathOf(blob.digest);
  await writeFile(path, randomBytes(5, blob.size));
  await take(here.content, here.path);
  expect(digestOf(await readFile(path))).toBe(blob.digest);
  expect(await here.content.get(blob)).toBeDefined();
  expect(here.damaged).toEqual([]);
  expect(await collectDigests(here.content)).toEqual([blob.digest]);
});
