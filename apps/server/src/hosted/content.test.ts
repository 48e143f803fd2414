import { rm, writeFile } from 'node:fs/promises';

import { createFileObjectStore } from '@oci/cache';
import type { Digest } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import { collect, randomBytes, temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import { HostedContent, type ServedContent } from './content.js';
import { ContentIndex, maxStagedMs } from './content-index.js';
import { bytes } from './json-object.js';
import { keys } from './keys.js';
import { Records } from './records.js';

const small = Buffer.from(randomBytes(71, 5000));
const large = Buffer.from(randomBytes(72, 3 * 1024 * 1024));

async function stored(content: Uint8Array, work: { readonly path: string }) {
  const store = createFileObjectStore(work.path, { fsync: false });
  const descriptor = { digest: digestOf(content), size: content.byteLength };
  const index = new ContentIndex(new Records(store));
  const before = new HostedContent(store, index);
  const put = async (hosted: HostedContent): Promise<void> =>
    hosted.adopt(descriptor.digest, await hosted.stage(descriptor, bytes(content)));
  await put(before);
  const { data = '' } = (await index.find(descriptor.digest)) ?? {};
  const path = store.pathOf(keys.data(data));
  const corrupt: Digest[] = [];
  const hosted = new HostedContent(store, index, (digest) => corrupt.push(digest));
  const open = async (options?: Parameters<HostedContent['open']>[1]) => {
    const found = await hosted.find(descriptor.digest);
    return found && hosted.open(found, options);
  };
  const read = async () => {
    const found = await hosted.find(descriptor.digest);
    return found && hosted.read(found);
  };
  return { hosted, descriptor, path, corrupt, open, read, put: () => put(hosted) };
}

async function whole(content: ServedContent | undefined): Promise<Uint8Array | undefined> {
  if (!content || 'bytes' in content) return content?.bytes;
  return collect(content.body);
}

test('gives small content from memory once it was read, whole and in part', async () => {
  await using work = await temporaryDirectory();
  const { open } = await stored(small, work);
  for (let time = 0; time < 2; time += 1) expect(await whole(await open())).toEqual(small);
  const part = await open({ range: { first: 10, last: 19 } });
  expect(part).toEqual({ size: small.byteLength, bytes: small.subarray(10, 20) });
});

test('lets no byte of small content out that is corrupt, and takes it for missing', async () => {
  await using work = await temporaryDirectory();
  const { hosted, descriptor, path, corrupt, open, put } = await stored(small, work);
  await writeFile(path, randomBytes(73, small.byteLength));
  expect(await open()).toBeUndefined();
  expect(await hosted.find(descriptor.digest)).toBeUndefined();
  expect(corrupt).toEqual([descriptor.digest]);
  await put();
  expect(await whole(await open())).toEqual(small);
});

test('hashes large content while it is sent, and again once its file has changed (CVE-2026-85747)', async () => {
  await using work = await temporaryDirectory();
  const { hosted, descriptor, path, open, put } = await stored(large, work);
  for (let time = 0; time < 2; time += 1)
    expect(digestOf((await whole(await open())) ?? small)).toBe(descriptor.digest);
  await writeFile(path, randomBytes(74, large.byteLength));
  const damaged = whole(await open());
  await expect(damaged).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  expect(await hosted.find(descriptor.digest)).toBeUndefined();
  expect(await open()).toBeUndefined();
  await put();
  expect(digestOf((await whole(await open())) ?? small)).toBe(descriptor.digest);
});

test('gives a part of large content only when the whole is right (CVE-2026-85747)', async () => {
  await using work = await temporaryDirectory();
  const { descriptor, path, corrupt, open } = await stored(large, work);
  const range = { first: 2_000_000, last: 2_000_009 };
  const parts = await Promise.all([1, 2].map(() => open({ range })));
  for (const part of parts)
    expect(Buffer.from((await whole(part)) ?? [])).toEqual(large.subarray(2_000_000, 2_000_010));
  await writeFile(path, Buffer.concat([large.subarray(0, -1), randomBytes(75, 1)]));
  expect(await open({ range })).toBeUndefined();
  expect(corrupt).toEqual([descriptor.digest]);
});

test('says that content is not there', async () => {
  await using work = await temporaryDirectory();
  const { hosted } = await stored(small, work);
  expect(await hosted.find(digestOf(large))).toBeUndefined();
});

test('gives all who read a large manifest the same bytes, so that memory does not grow with them', async () => {
  await using work = await temporaryDirectory();
  const { descriptor, read } = await stored(large, work);
  const [first, ...others] = await Promise.all([1, 2, 3].map(() => read()));
  expect(first && digestOf(first)).toBe(descriptor.digest);
  const again = await read();
  expect([...others, again].every((other) => other === first)).toBe(true);
});

test('takes content whose data was removed for missing, until it is pushed again', async () => {
  await using work = await temporaryDirectory();
  for (const content of [small, large]) {
    const { hosted, descriptor, path, corrupt, open, put } = await stored(content, work);
    await rm(path);
    expect(await open()).toBeUndefined();
    expect(corrupt).toEqual([descriptor.digest]);
    expect(await hosted.find(descriptor.digest)).toBeUndefined();
    await put();
    expect(digestOf((await whole(await open())) ?? Buffer.of())).toBe(descriptor.digest);
  }
});

test('refuses bytes that were staged for so long that a collection may have removed them', async () => {
  await using work = await temporaryDirectory();
  const { hosted, descriptor } = await stored(small, work);
  const staged = await hosted.stage(descriptor, bytes(small));
  const stagedAt = performance.now() - maxStagedMs - 1;
  const late = hosted.adopt(descriptor.digest, { ...staged, stagedAt });
  await expect(late).rejects.toMatchObject({ code: 'TIMEOUT' });
});
