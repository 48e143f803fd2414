import { setImmediate as endOfTurn } from 'node:timers/promises';

import { type ObjectStore, createFileObjectStore, createMemoryObjectStore } from '@oci/cache';
import { parseRepositoryName } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import { bytesOf, collect, inChunks, randomBytes, temporaryDirectory } from '@oci/testing';
import { expect, test, vi } from 'vitest';

import { type HostedRegistryOptions, createHostedRegistry } from './hosted-registry.js';
import { bytes as bodyOf } from './json-object.js';
import type { OpenUpload } from './open-upload.js';

const bytes = randomBytes(51, 100_000);
const descriptor = { digest: digestOf(bytes), size: bytes.byteLength };
const [a, b] = [parseRepositoryName('a'), parseRepositoryName('b')];

async function begin(
  store: ObjectStore = createMemoryObjectStore(),
  options: HostedRegistryOptions = {},
) {
  const registry = createHostedRegistry(store, options);
  const session = await registry.uploads.begin(a, 'me');
  const use = <T>(work: (upload: OpenUpload) => Promise<T>, name = a): Promise<T | undefined> =>
    registry.uploads.use({ name, session }, async (upload) => upload && work(upload));
  const offset = () => use(async (upload) => upload.offset);
  return { registry, session, use, offset };
}

async function keysOf(store: ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of store.list(prefix)) keys.push(key);
  return keys;
}

test('an upload takes pieces in order, and becomes a blob', async () => {
  const { registry, use, offset } = await begin();
  expect(await offset()).toBe(0);
  for (let at = 0; at < bytes.byteLength; at += 30_000)
    await use((upload) => upload.append(inChunks(bytes.subarray(at, at + 30_000), 7_000)));
  expect(await offset()).toBe(bytes.byteLength);
  expect(await use(async (upload) => upload.offset, b)).toBeUndefined();
  await use((upload) => upload.commit(descriptor.digest));
  expect(await registry.blobs.size(a, descriptor.digest)).toBe(bytes.byteLength);
  expect(await offset()).toBeUndefined();
});

test('an upload that comes at once is noted when it is a blob, and leaves nothing when it is none', async () => {
  const store = createMemoryObjectStore();
  const { registry, session, use } = await begin(store);
  const other = createHostedRegistry(store).uploads;
  await use(async (upload) => {
    await upload.append(bodyOf(bytesOf('something else')), { isLast: true });
    await expect(upload.commit(descriptor.digest)).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
    });
    expect(await keysOf(store, 'v2/data/')).toHaveLength(1);
    await other.use({ name: a, session }, async (same) => expect(same?.offset).toBe(0));
    await upload.cancel();
  });
  expect(await keysOf(store, 'v2/data/')).toEqual([]);
  expect(await keysOf(store, 'v2/uploads/')).toEqual([]);

  const next = { name: a, session: await registry.uploads.begin(a, 'me') };
  const broken = registry.uploads.use(next, async (upload) =>
    upload?.append(failing(), { isLast: true }),
  );
  await expect(broken).rejects.toThrow('broke off');
  await registry.uploads.use(next, async (upload) => {
    expect(upload?.offset).toBe(0);
    await upload?.append(bodyOf(bytes), { isLast: true });
    await upload?.commit(descriptor.digest);
  });
  expect(await registry.blobs.size(a, descriptor.digest)).toBe(bytes.byteLength);
  expect(await keysOf(store, 'v2/uploads/')).toEqual([]);
  expect(await keysOf(store, 'v2/data/')).toHaveLength(1);
});

async function* failing(): AsyncGenerator<Uint8Array> {
  yield bytes.subarray(0, 10);
  await endOfTurn();
  throw new Error('broke off');
}

test('an upload that is not what it says is no blob', async () => {
  const { registry, use } = await begin();
  await use((upload) => upload.append(inChunks(bytesOf('something else'), 5)));
  const commit = use((upload) => upload.commit(descriptor.digest));
  await expect(commit).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  expect(await registry.blobs.size(a, descriptor.digest)).toBeUndefined();
});

test('a session is held by one at a time; who waits for too long is told so', async () => {
  const { use, offset } = await begin(undefined, { uploads: { patienceMs: 1 } });
  let proceed = (): void => {};
  const barrier = new Promise<void>((resolve) => (proceed = resolve));
  async function* slow(): AsyncGenerator<Uint8Array> {
    yield bytes.subarray(0, 10);
    await barrier;
    yield bytes.subarray(10);
  }
  const first = use((upload) => upload.append(slow()));
  const late = [
    use((upload) => upload.append(bodyOf(bytes))),
    use((upload) => upload.commit(descriptor.digest)),
    use((upload) => upload.cancel()),
    offset(),
  ];
  for (const request of late) await expect(request).rejects.toMatchObject({ code: 'TIMEOUT' });
  proceed();
  await first;
  expect(await offset()).toBe(bytes.byteLength);
  await use((upload) => upload.commit(descriptor.digest));
});

test('a push replaces a corrupt copy, and the copy was never taken for verified', async () => {
  const store = createMemoryObjectStore();
  const large = randomBytes(52, 1_500_000);
  const digest = digestOf(large);
  const whole = () => ({ descriptor: { digest, size: large.byteLength }, body: bodyOf(large) });
  const corrupt = async (seed: number): Promise<void> => {
    for (const key of await keysOf(store, 'v2/data/'))
      await store.put(key, bodyOf(randomBytes(seed, large.byteLength)));
  };
  await createHostedRegistry(store).blobs.put(b, whole());
  await corrupt(53);
  const { registry, use } = await begin(store);
  await use((upload) => upload.append(bodyOf(large)));
  await use((upload) => upload.commit(digest));
  const blob = await registry.blobs.open(a, digest);
  expect(digestOf(await collect(blob?.body ?? []))).toBe(digest);

  await corrupt(54);
  await registry.blobs.put(b, whole());
  const [key = '', ...others] = await keysOf(store, 'v2/data/');
  expect(others).toEqual([]);
  expect(digestOf(await collect((await store.get(key))?.body ?? []))).toBe(digest);
});

test('bytes that came to this process are not read again, and those that came to another are', async () => {
  const store = createMemoryObjectStore();
  const { session } = await begin(store);
  const [one, other] = [createHostedRegistry(store), createHostedRegistry(store)];
  const append = (registry: typeof one, start: number, end: number) =>
    registry.uploads.use({ name: a, session }, async (upload) =>
      upload?.append(inChunks(bytes.subarray(start, end), 10_000)),
    );
  await append(one, 0, 30_000);
  await append(one, 30_000, 50_000);
  await append(other, 50_000, 70_000);
  await append(one, 70_000, bytes.byteLength);
  const get = vi.spyOn(store, 'get');
  await one.uploads.use({ name: a, session }, async (upload) => upload?.commit(descriptor.digest));
  const read = get.mock.calls.filter(([key]) => key.startsWith('v2/data/'));
  expect(read).toHaveLength(2);
  const blob = await other.blobs.open(a, descriptor.digest);
  expect(digestOf(await collect(blob?.body ?? []))).toBe(descriptor.digest);
  expect(await keysOf(store, 'v2/uploads/')).toEqual([]);
  expect(await keysOf(store, 'v2/data/')).toHaveLength(1);
});

test('a blob that came through this process in one piece is neither read again nor copied', async () => {
  const store = createMemoryObjectStore();
  const { registry, use } = await begin(store);
  const [get, join] = [vi.spyOn(store, 'get'), vi.spyOn(store, 'join')];
  await use((upload) => upload.append(inChunks(bytes, 10_000)));
  await use((upload) => upload.commit(descriptor.digest));
  expect(get.mock.calls.filter(([key]) => key.startsWith('v2/data/'))).toEqual([]);
  expect(join).not.toHaveBeenCalled();
  expect(await registry.blobs.size(a, descriptor.digest)).toBe(bytes.byteLength);
});

test('a digest of another algorithm than was hashed is of the bytes all the same', async () => {
  const { registry, use } = await begin();
  await use((upload) => upload.append(inChunks(bytes, 10_000)));
  const sha512 = digestOf(bytes, 'sha512');
  await use((upload) => upload.commit(sha512));
  expect(await registry.blobs.size(a, sha512)).toBe(bytes.byteLength);
});

test('of two processes that end a session or add to it, one does, and the other is told so', async () => {
  const store = createMemoryObjectStore();
  const { session } = await begin(store);
  const registries = [createHostedRegistry(store), createHostedRegistry(store)];
  const both = (work: (upload: OpenUpload) => Promise<void>) =>
    Promise.allSettled(
      registries.map(({ uploads }) =>
        uploads.use({ name: a, session }, async (upload) =>
          upload ? work(upload) : Promise.reject(new Error('there is none')),
        ),
      ),
    );
  const [first, second] = await both((upload) => upload.append(inChunks(bytes, 10_000)));
  expect(new Set([first?.status, second?.status])).toEqual(new Set(['fulfilled', 'rejected']));
  const ends = await both((upload) => upload.commit(descriptor.digest));
  expect(ends.filter(({ status }) => status === 'rejected')).toHaveLength(1);
  expect(await registries[0]?.blobs.size(a, descriptor.digest)).toBe(bytes.byteLength);
  expect(await keysOf(store, 'v2/data/')).toHaveLength(1);
});

test('uploads that rest for too long are removed, and neither others nor those in use', async () => {
  await using directory = await temporaryDirectory();
  const store = createFileObjectStore(directory.path);
  const { registry, use, offset } = await begin(store);
  const { uploads } = registry;
  await use((upload) => upload.append(inChunks(bytes, 10_000)));
  const hour = 3_600_000;
  const late = { olderThanMs: hour, now: Date.now() + 2 * hour };
  expect(await uploads.expire({ olderThanMs: hour })).toBe(0);
  expect(await use(() => uploads.expire(late))).toBe(0);
  expect(await offset()).toBe(bytes.byteLength);
  expect(await uploads.expire(late)).toBe(1);
  expect(await offset()).toBeUndefined();
  expect(await keysOf(store, 'v2/uploads/')).toEqual([]);
});

test('the end of a server ends the removal of uploads that rest', async () => {
  const { registry, offset } = await begin();
  const late = { olderThanMs: 1, now: Date.now() + 3_600_000 };
  const signal = AbortSignal.abort();
  await expect(registry.expireUploads({ ...late, signal })).rejects.toMatchObject({
    code: 'ABORTED',
  });
  expect(await offset()).toBe(0);
});

test('sessions are bounded for each caller and for all, also those of the process before', async () => {
  const store = createMemoryObjectStore();
  const limits = { perCaller: 2, inAll: 3, pieces: 2 };
  const registry = () => createHostedRegistry(store, { uploads: { limits } });
  const before = registry().uploads;
  const first = await before.begin(a, 'me');
  await before.begin(b, 'me');
  const { uploads } = registry();
  await expect(uploads.begin(a, 'me')).rejects.toMatchObject({ code: 'RATE_LIMITED' });
  await uploads.begin(a, 'you');
  await expect(uploads.begin(a, 'they')).rejects.toMatchObject({ code: 'RATE_LIMITED' });
  await uploads.use({ name: a, session: first }, async (upload) => upload?.cancel());
  await uploads.begin(a, 'me');
  await expect(uploads.begin(a, 'they')).rejects.toMatchObject({ code: 'RATE_LIMITED' });
});

test('the pieces of a session are bounded, and an empty one is none', async () => {
  const limits = { perCaller: 1, inAll: 1, pieces: 2 };
  const { use, offset } = await begin(undefined, { uploads: { limits } });
  for (const text of ['', 'a', '', 'b'])
    await use((upload) => upload.append(bodyOf(bytesOf(text))));
  const more = use((upload) => upload.append(bodyOf(bytesOf('c'))));
  await expect(more).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  expect(await offset()).toBe(2);
});

test.each(['../x', 'ABCDEF00-00000000-0000-0000-0000-000000000000', ''])(
  'there is no session %j',
  async (session) => {
    const { registry } = await begin();
    expect(await registry.uploads.use({ name: a, session }, async (upload) => upload)).toBe(
      undefined,
    );
  },
);

test('a session that is cancelled while older ones are counted is not counted afterwards', async () => {
  const store = createMemoryObjectStore();
  const { session } = await begin(store);
  const list = store.list.bind(store);
  let proceed = (): void => {};
  const barrier = new Promise<void>((resolve) => (proceed = resolve));
  store.list = async function* (...asked) {
    for await (const key of list(...asked)) {
      await barrier;
      yield key;
    }
  };
  const limits = { perCaller: 1, inAll: 10, pieces: 10 };
  const { uploads } = createHostedRegistry(store, { uploads: { limits } });
  const early = uploads.begin(a, 'me').catch(() => {});
  const cancel = uploads.use({ name: a, session }, async (upload) => upload?.cancel());
  for (let turn = 0; turn < 20; turn += 1) await endOfTurn();
  proceed();
  const begun = await early;
  await cancel;
  if (begun !== undefined)
    await uploads.use({ name: a, session: begun }, async (upload) => upload?.cancel());
  await expect(uploads.begin(a, 'me')).resolves.toBeTypeOf('string');
});
