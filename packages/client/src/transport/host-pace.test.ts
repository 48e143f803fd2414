import { type TransferEvent, parseRepositoryName, parseTag } from '@oci/spec-types';
import { collect, kclPackage, randomBytes, startRegistry } from '@oci/testing';
import { expect, test } from 'vitest';

import { createRegistry } from '../registry.js';

const name = parseRepositoryName('kcl/demo');
const tag = parseTag('1.0.0');

test('asks a host for no more bodies at once than it may, and for metadata meanwhile', async () => {
  await using registry = await startRegistry();
  registry.putArtifact(name, tag, kclPackage({ name: 'demo', version: '1.0.0' }));
  const blobs = Array.from({ length: 5 }, (_, i) => registry.putBlob(name, randomBytes(i, 50_000)));
  let release = (): void => {};
  const until = new Promise<void>((resolve) => (release = resolve));
  registry.fault({ path: '/blobs/', pause: { afterBytes: 10, until } });
  const client = createRegistry({
    url: registry.url,
    pace: { bodies: 2, mostBodies: 2, idleMs: 3_600_000 },
  });
  const repository = client.repository(name);
  const bodies = blobs.map(async (blob) => collect(await repository.fetchBlob(blob)));
  for (let i = 0; i < 2; i += 1) await registry.nextRequest({ path: '/blobs/' });
  expect(await repository.fetch(tag)).toMatchObject({ kind: 'image' });
  expect(registry.requests.filter(({ path }) => path.includes('/blobs/'))).toHaveLength(2);
  release();
  await Promise.all(bodies);
  await client.close();
});

test('a body that nobody reads does not keep others waiting', async () => {
  await using registry = await startRegistry();
  const blobs = [1, 2].map((seed) => registry.putBlob(name, randomBytes(seed, 5_000_000)));
  const client = createRegistry({
    url: registry.url,
    pace: { bodies: 1, mostBodies: 1, idleMs: 1 },
  });
  const [unread, read] = await Promise.all(
    blobs.map((blob) => client.repository(name).fetchBlob(blob)),
  );
  expect(await collect(read ?? [])).toHaveLength(5_000_000);
  expect(await collect(unread ?? [])).toHaveLength(5_000_000);
  await client.close();
});

test('who waits for a place leaves when it is aborted', async () => {
  await using registry = await startRegistry();
  const [one, two] = [1, 2].map((seed) => registry.putBlob(name, randomBytes(seed, 5_000_000)));
  if (!one || !two) throw new Error('two blobs were put');
  const client = createRegistry({
    url: registry.url,
    pace: { bodies: 1, mostBodies: 1, idleMs: 3_600_000 },
  });
  const repository = client.repository(name);
  const held = await repository.fetchBlob(one);
  const controller = new AbortController();
  const waiting = repository.fetchBlob(two, { signal: controller.signal });
  controller.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' });
  await collect(held);
  await client.close();
});

test('when a host asks to wait, nobody asks it anything meanwhile', async () => {
  await using registry = await startRegistry();
  registry.putArtifact(name, tag, kclPackage({ name: 'demo', version: '1.0.0' }));
  registry.fault({ path: '/manifests/', status: 429, headers: { 'retry-after': '30' }, times: 1 });
  let release = (): void => {};
  const passed = new Promise<void>((resolve) => (release = resolve));
  const delays: number[] = [];
  const events: TransferEvent[] = [];
  const client = createRegistry({
    url: registry.url,
    retry: {
      delay: async (milliseconds) => {
        delays.push(milliseconds);
        await passed;
      },
    },
  });
  const repository = client.repository(name);
  const onEvent = (event: TransferEvent): void => void events.push(event);
  const first = repository.fetch(tag, { onEvent });
  await registry.nextRequest({ path: '/manifests/' });
  while (delays.length === 0) await new Promise(setImmediate);
  const others = [1, 2, 3].map(() => repository.fetch(tag, { onEvent }));
  while (delays.length < 4) await new Promise(setImmediate);
  expect(registry.requests).toHaveLength(1);
  release();
  await Promise.all([first, ...others]);
  expect(delays.every((delay) => delay > 25_000 && delay <= 30_000)).toBe(true);
  expect(events.filter(({ type }) => type === 'wait').length).toBeGreaterThanOrEqual(4);
  await client.close();
});

test('a wait beyond what is allowed fails for everybody at once', async () => {
  await using registry = await startRegistry();
  registry.fault({ path: '/v2/', status: 503, headers: { 'retry-after': '3600' }, times: 1 });
  const client = createRegistry({ url: registry.url });
  const repository = client.repository(name);
  for (let i = 0; i < 2; i += 1) {
    await expect(repository.fetch(tag)).rejects.toMatchObject({
      code: 'RATE_LIMITED',
      retryAfterMs: expect.any(Number),
    });
  }
  expect(registry.requests).toHaveLength(1);
  await client.close();
});
