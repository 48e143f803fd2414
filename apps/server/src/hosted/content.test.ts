import { writeFile } from 'node:fs/promises';

import { createFileObjectStore } from '@oci/cache';
import type { Digest } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import { collect, randomBytes, temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import { HostedContent, type ServedContent } from './content.js';
import { bytes } from './json-object.js';
import { keys } from './keys.js';

const small = Buffer.from(randomBytes(71, 5000));
const large = Buffer.from(randomBytes(72, 3 * 1024 * 1024));

async function stored(content: Uint8Array, work: { readonly path: string }) {
  const store = createFileObjectStore(work.path, { fsync: false });
  const descriptor = { digest: digestOf(content), size: content.byteLength };
  await store.put(keys.blob(descriptor.digest), bytes(content));
  const path = store.pathOf(keys.blob(descriptor.digest));
  const corrupt: Digest[] = [];
  const hosted = new HostedContent(store, (digest) => corrupt.push(digest));
  return { hosted, descriptor, path, corrupt };
}

async function whole(content: ServedContent | undefined): Promise<Uint8Array | undefined> {
  if (!content || 'bytes' in content) return content?.bytes;
  return collect(content.body);
}

test('gives small content from memory once it was read, whole and in part', async () => {
  await using work = await temporaryDirectory();
  const { hosted, descriptor } = await stored(small, work);
  for (let time = 0; time < 2; time += 1)
    expect(await whole(await hosted.open(descriptor))).toEqual(small);
  const part = await hosted.open(descriptor, { range: { first: 10, last: 19 } });
  expect(part).toEqual({ size: small.byteLength, bytes: small.subarray(10, 20) });
});

test('lets no byte of small content out that is corrupt, and takes it for missing', async () => {
  await using work = await temporaryDirectory();
  const { hosted, descriptor, path, corrupt } = await stored(small, work);
  await writeFile(path, randomBytes(73, small.byteLength));
  expect(await hosted.open(descriptor)).toBeUndefined();
  expect(await hosted.size(descriptor.digest)).toBeUndefined();
  expect(corrupt).toEqual([descriptor.digest]);
  await hosted.put(descriptor, bytes(small));
  expect(await whole(await hosted.open(descriptor))).toEqual(small);
});

test('hashes large content while it is sent, and again once its file has changed (CVE-2026-85747)', async () => {
  await using work = await temporaryDirectory();
  const { hosted, descriptor, path } = await stored(large, work);
  for (let time = 0; time < 2; time += 1)
    expect(digestOf((await whole(await hosted.open(descriptor))) ?? small)).toBe(descriptor.digest);
  await writeFile(path, randomBytes(74, large.byteLength));
  const damaged = whole(await hosted.open(descriptor));
  await expect(damaged).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  expect(await hosted.size(descriptor.digest)).toBeUndefined();
  expect(await hosted.open(descriptor)).toBeUndefined();
  await hosted.put(descriptor, bytes(large));
  expect(digestOf((await whole(await hosted.open(descriptor))) ?? small)).toBe(descriptor.digest);
});

test('gives a part of large content only when the whole is right (CVE-2026-85747)', async () => {
  await using work = await temporaryDirectory();
  const { hosted, descriptor, path, corrupt } = await stored(large, work);
  const range = { first: 2_000_000, last: 2_000_009 };
  const parts = await Promise.all([1, 2].map(() => hosted.open(descriptor, { range })));
  for (const part of parts)
    expect(Buffer.from((await whole(part)) ?? [])).toEqual(large.subarray(2_000_000, 2_000_010));
  await writeFile(path, Buffer.concat([large.subarray(0, -1), randomBytes(75, 1)]));
  expect(await hosted.open(descriptor, { range })).toBeUndefined();
  expect(corrupt).toEqual([descriptor.digest]);
});

test('says that content is not there', async () => {
  await using work = await temporaryDirectory();
  const { hosted } = await stored(small, work);
  const missing = { digest: digestOf(large), size: small.byteLength };
  expect(await hosted.open(missing)).toBeUndefined();
  expect(await hosted.size(missing.digest)).toBeUndefined();
});

test('gives all who read a large manifest the same bytes, so that memory does not grow with them', async () => {
  await using work = await temporaryDirectory();
  const { hosted, descriptor } = await stored(large, work);
  const [first, ...others] = await Promise.all([1, 2, 3].map(() => hosted.read(descriptor)));
  expect(first && digestOf(first)).toBe(descriptor.digest);
  const again = await hosted.read(descriptor);
  expect([...others, again].every((other) => other === first)).toBe(true);
});
