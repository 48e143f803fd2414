import { parseRepositoryName } from '@oci/spec-types';
import { collect, randomBytes, startRegistry } from '@oci/testing';
import { describe, expect, onTestFinished, test } from 'vitest';

import { createRegistry } from './registry.js';

test('closing a registry ends what runs, and nothing of it is tried again', async () => {
  await using server = await startRegistry();
  const bytes = randomBytes(7, 200_000);
  const name = parseRepositoryName('a/b');
  const descriptor = server.putBlob(name, bytes);
  server.fault({ path: '/blobs/', pause: { afterBytes: 1000, until: new Promise(() => {}) } });
  const registry = createRegistry({ url: server.url });
  const repository = registry.repository(name);
  const reading = collect(await repository.fetchBlob(descriptor));
  await Promise.all([
    expect(reading).rejects.toMatchObject({ code: 'ABORTED', retryable: false }),
    registry.close(),
  ]);
  await expect(registry.ping()).rejects.toMatchObject({ code: 'ABORTED' });
  expect(server.requests).toHaveLength(1);
});

describe('a registry that was closed', () => {
  const failure = {
    code: 'ABORTED',
    retryable: false,
    message: expect.stringContaining('the registry was closed') as string,
    hint: expect.stringContaining('close()') as string,
  };

  async function open() {
    const server = await startRegistry();
    onTestFinished(server.close);
    const descriptor = server.putBlob('a/b', randomBytes(7, 10));
    const registry = createRegistry({ url: server.url });
    return { server, registry, descriptor, repository: registry.repository('a/b') };
  }

  test('answers no call, although it was never used before', async () => {
    const { server, registry, repository, descriptor } = await open();
    await registry.close();
    await registry.close();
    const calls = [
      registry.ping(),
      registry.request({ method: 'GET', path: '/v2/' }),
      registry.listRepositories()[Symbol.asyncIterator]().next(),
      repository.fetch('1.0'),
      repository.fetchBytes(descriptor),
      repository.listTags().next(),
      registry.repository('c/d').hasBlob(descriptor),
    ];
    await Promise.all(calls.map((call) => expect(call).rejects.toMatchObject(failure)));
    expect(server.requests).toHaveLength(0);
  });

  test('fails a first call that had begun, and those after it', async () => {
    const { server, registry, repository } = await open();
    const first = repository.fetch('1.0');
    await Promise.all([expect(first).rejects.toMatchObject(failure), registry.close()]);
    await expect(registry.ping()).rejects.toMatchObject(failure);
    expect(server.requests).toHaveLength(0);
  });

  test('fails a first call that waits for its credential', async () => {
    await using server = await startRegistry({ auth: { basic: { username: 'a', password: 'b' } } });
    let asked = (): void => {};
    const isAsked = new Promise<void>((resolve) => (asked = resolve));
    let answer = (): void => {};
    const mayAnswer = new Promise<void>((resolve) => (answer = resolve));
    const registry = createRegistry({
      url: server.url,
      credentials: async () => {
        asked();
        await mayAnswer;
        return { kind: 'password', username: 'a', password: 'b' };
      },
    });
    const first = registry.ping();
    await isAsked;
    await registry.close();
    answer();
    await expect(first).rejects.toMatchObject(failure);
    expect(server.requests).toHaveLength(1);
  });
});

test('the time limit of a caller is told as such, is final, and is no fault of the registry', async () => {
  await using server = await startRegistry();
  server.fault({ path: '/manifests/', delayUntil: new Promise(() => {}) });
  const registry = createRegistry({ url: server.url });
  onTestFinished(() => registry.close());
  const repository = registry.repository('a/b');
  const failure = {
    code: 'TIMEOUT',
    retryable: false,
    message: expect.stringContaining('time limit') as string,
    hint: expect.stringContaining('AbortSignal.timeout') as string,
  };
  const calls = [
    repository.fetch('1.0', { signal: AbortSignal.timeout(50) }),
    repository.resolve('1.0', { signal: AbortSignal.timeout(0) }),
  ];
  await Promise.all(calls.map((call) => expect(call).rejects.toMatchObject(failure)));
  expect(server.requests.length).toBeLessThan(3);
});
