import {
  type Descriptor,
  OciError,
  type TransferEvent,
  parseRepositoryName,
} from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import {
  type Fault,
  type RegistryOptions,
  type TestRegistry,
  inChunks,
  randomBytes,
  startRegistry,
} from '@oci/testing';
import { afterEach, expect, test } from 'vitest';

import { type Registry, createRegistry } from '../registry.js';
import type { BlobBody, UploadContent } from './blob-body.js';
import type { UploadOptions } from './upload-options.js';
import type { UploadSession } from './upload-session.js';

const name = parseRepositoryName('a/b');
const bytes = randomBytes(201, 100_000);
const blob: Descriptor = {
  mediaType: 'application/octet-stream',
  digest: digestOf(bytes),
  size: bytes.byteLength,
};
/** Content that can be read again. */
const body: BlobBody = { open: (offset) => inChunks(bytes.subarray(offset), 7000) };
const uploads = { path: '/uploads/' };

let registry: TestRegistry;
let client: Registry;
const events: TransferEvent[] = [];

async function begin(options: RegistryOptions = {}): Promise<void> {
  registry = await startRegistry(options);
  client = createRegistry({ url: registry.url, retry: { delay: async () => {} } });
  events.length = 0;
}
afterEach(async () => {
  await client.close();
  await registry.close();
});

function push(
  options: UploadOptions = {},
  { content = body, descriptor = blob }: { content?: UploadContent; descriptor?: Descriptor } = {},
): Promise<void> {
  const onEvent = (event: TransferEvent): void => void events.push(event);
  return client.repository(name).pushBlob(descriptor, content, { onEvent, ...options });
}

function expectStored(digest = blob.digest): void {
  const [algorithm] = digest.split(':');
  const stored = registry.repositories.get(name)?.blobs.get(digest);
  expect(stored && digestOf(stored, algorithm === 'sha512' ? 'sha512' : 'sha256')).toBe(digest);
  expect(registry.openUploads).toBe(0);
}

function expectNothing(): void {
  expect(registry.repositories.get(name)?.blobs.size ?? 0).toBe(0);
  expect(registry.openUploads).toBe(0);
}

const sent = (): string[] => registry.requests.map(({ method }) => method);
const patches = (): (string | undefined)[] =>
  registry.requests
    .filter(({ method }) => method === 'PATCH')
    .map(({ headers }) => headers['content-range']);

test('goes in one request when nobody asks for more', async () => {
  await begin();
  await push();
  expectStored();
  expect(sent()).toEqual(['HEAD', 'POST', 'PUT']);
  expect(registry.requests[1]?.headers['content-length']).toBe('0');
});

test('goes in chunks of the size that is asked for, each to the Location of the answer before', async () => {
  await begin();
  await push({ chunkBytes: 40_000 });
  expectStored();
  expect(patches()).toEqual(['0-39999', '40000-79999', '80000-99999']);
  expect(sent()).toEqual(['HEAD', 'POST', 'PATCH', 'PATCH', 'PATCH', 'PUT']);
  expect(registry.requests.at(-1)?.body).toHaveLength(0);
});

test('keeps the least size of a chunk that the registry names', async () => {
  await begin({ minChunkBytes: 60_000 });
  await push({ chunkBytes: 10_000 });
  expectStored();
  expect(patches()).toEqual(['0-59999', '60000-99999']);
});

test('goes in one request where the least chunk is the whole', async () => {
  await begin({ minChunkBytes: 1_000_000 });
  await push();
  expectStored();
  expect(sent()).toEqual(['HEAD', 'POST', 'PUT']);
});

test('a chunk of no bytes is refused before anything is sent', async () => {
  await begin();
  await expect(push({ chunkBytes: 0 })).rejects.toMatchObject({ code: 'USAGE' });
});

test.each([
  ['in one request', {}],
  ['in chunks', { chunkBytes: 30_000 }],
])('an empty blob is stored %s', async (_, options) => {
  await begin();
  const descriptor = { ...blob, digest: digestOf(new Uint8Array()), size: 0 };
  await push(options, { descriptor, content: inChunks(new Uint8Array()) });
  expectStored(descriptor.digest);
});

test.each([
  ['in one request', {}],
  ['in chunks', { chunkBytes: 30_000 }],
])('is stored under a sha512 digest %s, and the registry hears so first', async (_, options) => {
  await begin();
  const digest = digestOf(bytes, 'sha512');
  await push(options, { descriptor: { ...blob, digest } });
  expectStored(digest);
  expect(registry.requests[1]?.query.get('digest-algorithm')).toBe('sha512');
});

test('goes where a 416 says the registry is', async () => {
  await begin();
  registry.fault({
    ...uploads,
    method: 'PATCH',
    skip: 1,
    times: 1,
    status: 416,
    headers: { range: '0-29999' },
  });
  await push({ chunkBytes: 30_000 });
  expectStored();
});

test('asks where the registry is when a 416 does not say', async () => {
  await begin();
  registry.fault({ ...uploads, method: 'PATCH', skip: 1, times: 1, status: 416 });
  await push({ chunkBytes: 30_000 });
  expectStored();
  expect(sent()).toContain('GET');
});

test('goes on from where the registry is when it took less than was sent', async () => {
  await begin();
  registry.fault({ ...uploads, method: 'PATCH', times: 1, destroyAfterRequestBytes: 12_345 });
  await push({ chunkBytes: 50_000 });
  expectStored();
  expect(patches()).toEqual(['0-49999', '12345-62344', '62345-99999']);
  expect(events).toContainEqual({ type: 'resume', digest: blob.digest, offset: 12_345 });
});

test('a connection that is lost in one request is gone on with in the next', async () => {
  await begin();
  registry.fault({ ...uploads, method: 'PUT', times: 1, destroyAfterRequestBytes: 60_000 });
  await push();
  expectStored();
  const received = registry.requests.reduce((sum, request) => sum + request.body.byteLength, 0);
  expect(received).toBe(bytes.byteLength);
});

test('content that can be read once goes on, too, where nothing of it is missing', async () => {
  await begin();
  registry.fault({ ...uploads, method: 'PATCH', skip: 1, times: 1, status: 503, handled: true });
  await push({ chunkBytes: 30_000 }, { content: inChunks(bytes, 7000) });
  expectStored();
});

test('content that can be read once fails where it would have to be read again', async () => {
  await begin();
  registry.fault({ ...uploads, method: 'PUT', times: 1, destroyAfterRequestBytes: 60_000 });
  await expect(push({}, { content: inChunks(bytes, 7000) })).rejects.toMatchObject({
    code: 'NETWORK',
  });
  expectNothing();
});

test.each<[string, Partial<Fault>]>([
  ['the answer to the last request is lost', { method: 'PUT', handled: true }],
  ['the answer to a chunk is lost', { method: 'PATCH', handled: true }],
  ['a chunk does not arrive', { method: 'PATCH' }],
])('is stored once when %s', async (_, fault) => {
  await begin();
  registry.fault({ ...uploads, times: 1, destroyBeforeHeaders: true, ...fault });
  await push({ chunkBytes: 30_000 });
  expectStored();
  expect(sent().filter((method) => method === 'POST')).toHaveLength(1);
});

test('begins anew when the registry has forgotten the session', async () => {
  await begin();
  registry.fault({ ...uploads, method: 'PATCH', skip: 1, times: 1, status: 404 });
  registry.fault({ ...uploads, method: 'GET', times: 1, status: 404 });
  await push({ chunkBytes: 30_000 });
  expectStored();
  expect(sent().filter((method) => method === 'POST')).toHaveLength(2);
});

test('begins anew when a resumed upload turns out to be spoilt', async () => {
  await begin();
  registry.fault({ ...uploads, method: 'PATCH', times: 1, destroyAfterRequestBytes: 5000 });
  registry.fault({
    ...uploads,
    method: 'PUT',
    times: 1,
    status: 400,
    body: { errors: [{ code: 'DIGEST_INVALID' }] },
  });
  await push({ chunkBytes: 60_000 });
  expectStored();
  expect(sent().filter((method) => method === 'POST')).toHaveLength(2);
});

test('a registry that finds the digest wrong from the start is believed', async () => {
  await begin();
  const refusal = { status: 400, body: { errors: [{ code: 'DIGEST_INVALID' }] } };
  registry.fault({ ...uploads, method: 'PUT', ...refusal });
  await expect(push()).rejects.toMatchObject({ code: 'PROTOCOL' });
  expectNothing();
});

test('a token that ends in the middle is replaced, and the upload goes on', async () => {
  await begin();
  registry.fault({ ...uploads, method: 'PATCH', skip: 1, times: 1, status: 401 });
  await push({ chunkBytes: 30_000 });
  expectStored();
});

test('a proxy that finds all of it too large gets chunks', async () => {
  const large = Buffer.alloc(17 * 1024 * 1024, 7);
  const descriptor = { ...blob, digest: digestOf(large), size: large.byteLength };
  await begin();
  registry.fault({ ...uploads, method: 'PUT', times: 1, status: 413, early: true });
  const content = { open: (offset: number) => inChunks(large.subarray(offset), 65_536) };
  await push({}, { descriptor, content });
  expectStored(descriptor.digest);
  expect(patches()).toEqual(['0-16777215', '16777216-17825791']);
});

test('what gets lost as one request again and again is sent in chunks', async () => {
  const large = Buffer.alloc(17 * 1024 * 1024, 8);
  const descriptor = { ...blob, digest: digestOf(large), size: large.byteLength };
  await begin();
  registry.fault({ ...uploads, method: 'PUT', times: 2, destroyBeforeHeaders: true, early: true });
  const content = { open: (offset: number) => inChunks(large.subarray(offset), 65_536) };
  await push({}, { descriptor, content });
  expectStored(descriptor.digest);
  expect(patches()).toHaveLength(2);
});

test('what is too large in chunks, too, is told', async () => {
  await begin();
  registry.fault({ ...uploads, method: 'PUT', status: 413 });
  await expect(push()).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  expectNothing();
});

test('a registry that loses every byte again is left one day', async () => {
  await begin();
  registry.fault({ ...uploads, method: 'PATCH', status: 503 });
  await expect(push({ chunkBytes: 30_000 })).rejects.toMatchObject({
    code: 'REGISTRY_UNAVAILABLE',
  });
  expectNothing();
  expect(sent().filter((method) => method === 'PATCH')).toHaveLength(5);
});

test('a registry that contradicts itself about what it has is left one day', async () => {
  await begin();
  registry.fault({ ...uploads, method: 'PATCH', status: 416, headers: { range: '0-9' } });
  await expect(push({ chunkBytes: 30_000 })).rejects.toMatchObject({ code: 'PROTOCOL' });
  expectNothing();
});

test.each([
  ['429', { status: 429, headers: { 'retry-after': '1' } }],
  ['503', { status: 503, headers: { 'retry-after': '1' } }],
])('waits where the registry answers %s, at every step', async (_, fault) => {
  for (const method of ['HEAD', 'POST', 'PATCH', 'PUT']) {
    await begin();
    registry.fault({ path: '/blobs/', method, ...fault, times: 1 });
    await push({ chunkBytes: 60_000 });
    expectStored();
    expect(events.some(({ type }) => type === 'wait')).toBe(true);
    if (method === 'PUT') return;
    await client.close();
    await registry.close();
  }
});

test.each([
  ['in one request', {}],
  ['in chunks', { chunkBytes: 20_000 }],
])('is cancelled when it is aborted %s', async (_, options) => {
  await begin();
  const controller = new AbortController();
  const content: BlobBody = {
    async *open(offset) {
      for await (const chunk of inChunks(bytes.subarray(offset), 7000)) {
        yield chunk;
        offset += chunk.byteLength;
        if (offset > 50_000) controller.abort();
      }
    },
  };
  const pushing = push({ ...options, signal: controller.signal }, { content });
  await expect(pushing).rejects.toMatchObject({ code: 'ABORTED' });
  expectNothing();
  expect(sent().at(-1)).toBe('DELETE');
});

test('content that is not what it is said to be never becomes a blob', async () => {
  await begin();
  const content = { open: (offset: number) => inChunks(randomBytes(9, 100_000).subarray(offset)) };
  for (const options of [{}, { chunkBytes: 30_000 }]) {
    await expect(push(options, { content })).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    expectNothing();
  }
});

test('content that verifies itself is hashed by the registry alone', async () => {
  await begin();
  const content: UploadContent = {
    isRepeatable: true,
    isVerified: true,
    [Symbol.asyncIterator]: () => inChunks(randomBytes(7, bytes.byteLength), 7000),
  };
  await expect(push({}, { content })).rejects.toMatchObject({
    registryErrors: [{ code: 'DIGEST_INVALID' }],
  });
  expectNothing();
});

test('content that verifies itself and fails at its end never becomes a blob', async () => {
  await begin();
  const content: UploadContent = {
    isRepeatable: true,
    isVerified: true,
    async *[Symbol.asyncIterator]() {
      yield* inChunks(bytes, 7000);
      throw new OciError('DIGEST_MISMATCH', 'not what it was');
    },
  };
  await expect(push({}, { content })).rejects.toMatchObject({ message: 'not what it was' });
  expectNothing();
});

test('content that verifies itself goes on after a lost connection', async () => {
  await begin();
  registry.fault({ ...uploads, method: 'PUT', times: 1, destroyAfterBytes: 0 });
  const content: UploadContent = {
    isRepeatable: true,
    isVerified: true,
    [Symbol.asyncIterator]: () => inChunks(bytes, 7000),
  };
  await push({ chunkBytes: 30_000 }, { content });
  expectStored();
});

test('nobody asks whether a blob is there that is said to be missing', async () => {
  await begin();
  await push({ assumeMissing: true });
  expectStored();
  expect(registry.requests.map(({ method }) => method)).toEqual(['POST', 'PUT']);
});

test('content that changes between two readings never becomes a blob', async () => {
  await begin();
  let openings = 0;
  const content: BlobBody = {
    open: (offset) => {
      openings += 1;
      return inChunks((openings === 1 ? bytes : randomBytes(8, 100_000)).subarray(offset), 7000);
    },
  };
  registry.fault({ ...uploads, method: 'PATCH', times: 1, destroyAfterRequestBytes: 12_345 });
  await expect(push({ chunkBytes: 50_000 }, { content })).rejects.toMatchObject({
    code: 'DIGEST_MISMATCH',
  });
  expectNothing();
});

/** An upload whose connection breaks for good after the second chunk, and what is known of it then. */
async function interrupted(): Promise<UploadSession> {
  let last: UploadSession | undefined;
  const restore = registry.fault({ ...uploads, method: 'PATCH', skip: 2, status: 503 });
  const onUploadSession = (session: UploadSession): void => void (last = session);
  const pushing = push({ chunkBytes: 20_000, onUploadSession });
  await expect(pushing).rejects.toMatchObject({ retryable: true });
  restore();
  if (!last) throw new Error('no session was told');
  return JSON.parse(JSON.stringify(last)) as UploadSession;
}

test('goes on in another process, by the session that was kept', async () => {
  await begin();
  const uploadSession = await interrupted();
  expect(uploadSession.offset).toBe(40_000);
  expect(registry.openUploads).toBe(1);
  await client.close();
  client = createRegistry({ url: registry.url });
  registry.clearRequests();
  await push({ chunkBytes: 30_000, uploadSession });
  expectStored();
  expect(patches()).toEqual(['40000-69999', '70000-99999']);
});

test('begins anew when the session that was kept is known no more', async () => {
  await begin();
  const uploadSession = await interrupted();
  const other = new URL(uploadSession.location);
  other.pathname = other.pathname.replace(/[^/]+$/, 'gone');
  await push({ uploadSession: { ...uploadSession, location: other.href } });
  expect(registry.repositories.get(name)?.blobs.has(blob.digest)).toBe(true);
});

test('begins anew when the session that was kept has the bytes of another blob', async () => {
  await begin();
  const uploadSession = await interrupted();
  const other = randomBytes(210, 90_000);
  const descriptor = { ...blob, digest: digestOf(other), size: other.byteLength };
  const content = { open: (offset: number) => inChunks(other.subarray(offset), 7000) };
  await push({ chunkBytes: 30_000, uploadSession }, { descriptor, content });
  expectStored(descriptor.digest);
});

test('a kept session that is no URL, or leads to a file, is refused', async () => {
  await begin();
  const at = (location: string): Promise<void> => push({ uploadSession: { location, offset: 0 } });
  await expect(at('nowhere')).rejects.toMatchObject({ code: 'USAGE' });
  await expect(at('file:///etc/passwd')).rejects.toMatchObject({ code: 'POLICY_REFUSED' });
});
