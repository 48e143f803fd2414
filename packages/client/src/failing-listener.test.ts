import { image, startRegistry } from '@oci/testing';
import { expect, onTestFinished, test } from 'vitest';

import { copy } from './copy/index.js';
import { createRegistry } from './registry.js';
import type { RegistryOptions } from './registry-options.js';
import type { AttemptObserver } from './transport/observe.js';

const thrown = new Error('no such gauge');
const fail = (): never => {
  throw thrown;
};
const failure = {
  code: 'USAGE',
  retryable: false,
  cause: thrown,
  hint: expect.stringContaining('onEvent or observer') as string,
};

async function open(options: Omit<RegistryOptions, 'url'> = {}) {
  const server = await startRegistry();
  const registry = createRegistry({ url: server.url, retry: { baseDelayMs: 1 }, ...options });
  onTestFinished(async () => {
    await registry.close();
    await server.close();
  });
  server.putArtifact('a/b', '1.0', image());
  return { server, repository: registry.repository('a/b') };
}

test.each<[string, AttemptObserver, number]>([
  ['a request', fail, 0],
  ['its answer', () => fail, 1],
])(
  'an observer that throws at %s ends the call, and nothing is asked again',
  async (_, observer, requests) => {
    const { server, repository } = await open({ observer });
    await expect(repository.fetch('1.0')).rejects.toMatchObject(failure);
    expect(server.requests).toHaveLength(requests);
  },
);

test('a listener of a call that throws ends it, wherever the event is from', async () => {
  const { server, repository } = await open();
  const call = { onEvent: fail };
  await expect(repository.pushBytes(Buffer.from('x'), call)).rejects.toMatchObject(failure);
  server.fault({ path: '/manifests/', status: 429, headers: { 'retry-after': '1' }, times: 1 });
  await expect(repository.fetch('1.0', call)).rejects.toMatchObject(failure);
  server.fault({ path: '/tags/', status: 503, times: 1 });
  await expect(repository.listTags(call).next()).rejects.toMatchObject(failure);
});

test('a listener of a copy that throws ends it', async () => {
  const { repository } = await open();
  const { repository: target } = await open();
  const source = { repository, reference: '1.0' };
  const given = copy(source, { repository: target, tags: ['1.0'] }, { onEvent: fail });
  await expect(given).rejects.toMatchObject(failure);
  const heard = copy(source, { repository: target, tags: ['1.0'] });
  heard.on(fail);
  await expect(heard).rejects.toMatchObject(failure);
});
