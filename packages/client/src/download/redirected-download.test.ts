import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type Descriptor, parseRepositoryName } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import {
  type TemporaryDirectory,
  type TestRegistry,
  collect,
  randomBytes,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { type Registry, createRegistry } from '../registry.js';

const name = parseRepositoryName('a/b');
const bytes = randomBytes(110, 3_000_000);

let registry: TestRegistry;
let storage: TestRegistry;
let client: Registry;
let work: TemporaryDirectory;
let blob: Descriptor;

beforeEach(async () => {
  [registry, storage] = await Promise.all([startRegistry(), startRegistry()]);
  work = await temporaryDirectory();
  blob = registry.putBlob(name, bytes);
  storage.putBlob(name, bytes);
  registry.fault({ path: '/blobs/', redirect: (path) => `${storage.url}${path}?signed=1` });
  client = createRegistry({
    url: registry.url,
    download: {
      connections: 4,
      segmentBytes: 300_000,
      leastBytes: 64_000,
      parallelFrom: 1000,
      enoughBytesPerSecond: Infinity,
    },
    retry: { delay: async () => {} },
  });
});
afterEach(async () => {
  await client.close();
  await Promise.all([registry.close(), storage.close(), work.remove()]);
});

async function download(to = 'blob'): Promise<void> {
  const path = join(work.path, to);
  await client.repository(name).downloadBlob(blob, path);
  expect(digestOf(await readFile(path))).toBe(blob.digest);
}

const storageRanges = (): (string | undefined)[] =>
  storage.requests.map(({ headers }) => headers.range);

test('asks the host that blobs are redirected to for ranges', async () => {
  await download();
  expect(storageRanges().length).toBeGreaterThanOrEqual(10);
  expect(storageRanges().every((range) => range !== undefined)).toBe(true);
});

test('remembers that this host ignores them, not the one that redirects', async () => {
  storage.fault({ path: '/blobs/', ignoreRange: true });
  await download();
  storage.clearRequests();
  await download('again');
  expect(storageRanges()).toEqual([undefined]);
});

test.each([400, 403, 410])(
  'asks the registry again when a signed address answers %i, as one that has expired',
  async (status) => {
    storage.fault({ path: '/blobs/', status, skip: 2, times: 1 });
    await download();
    expect(registry.requests).toHaveLength(storage.requests.length);
    expect(storage.requests.map((request) => request.status)).toContain(status);
  },
);

test('a storage that refuses for good fails, and is named', async () => {
  storage.fault({ path: '/blobs/', status: 403 });
  await expect(download()).rejects.toMatchObject({
    code: 'DENIED',
    message: expect.stringContaining(storage.host),
  });
});

test('a stream that broke goes on at an address that is asked for anew', async () => {
  storage.fault({ path: '/blobs/', destroyAfterBytes: 500_000, times: 1 });
  storage.fault({ path: '/blobs/', status: 403, times: 1 });
  const got = await collect(await client.repository(name).fetchBlob(blob));
  expect(digestOf(got)).toBe(blob.digest);
  expect(registry.requests).toHaveLength(3);
});
