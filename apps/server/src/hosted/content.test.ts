import { writeFile } from 'node:fs/promises';

import { createFileObjectStore } from '@oci/cache';
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
  return { hosted: new HostedContent(store), descriptor, path };
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

test('lets no byte of small content out that is damaged', async () => {
  await using work = await temporaryDirectory();
  const { hosted, descriptor, path } = await stored(small, work);
  await writeFile(path, randomBytes(73, small.byteLength));
  await expect(hosted.open(descriptor)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
});

test('hashes large content while it is sent, and again once its file has changed', async () => {
  await using work = await temporaryDirectory();
  const { hosted, descriptor, path } = await stored(large, work);
  for (let time = 0; time < 2; time += 1)
    expect(digestOf((await whole(await hosted.open(descriptor))) ?? small)).toBe(descriptor.digest);
  await writeFile(path, randomBytes(74, large.byteLength));
  const damaged = whole(await hosted.open(descriptor));
  await expect(damaged).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
});

test('says that content is not there', async () => {
  await using work = await temporaryDirectory();
  const { hosted } = await stored(small, work);
  const missing = { digest: digestOf(large), size: small.byteLength };
  expect(await hosted.open(missing)).toBeUndefined();
  expect(await hosted.size(missing.digest)).toBeUndefined();
});
