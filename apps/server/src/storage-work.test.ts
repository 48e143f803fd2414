import { setImmediate as endOfTurn } from 'node:timers/promises';

import { createMemoryObjectStore } from '@oci/cache';
import { expect, test, vi } from 'vitest';

import { createHostedRegistry } from './hosted/hosted-registry.js';
import type { ServerOptions } from './server-options.js';
import type { ServerParts } from './server-parts.js';
import { startStorageWork } from './storage-work.js';

const minute = 60_000;

/** The parts of a server that work on the storage needs. */
function partsOver(hosted: ServerParts['hosted']): ServerParts {
  const counter = { inc: () => {} };
  const metrics = new Proxy({}, { get: () => counter });
  return { hosted, metrics, index: { changed: () => {} } } as unknown as ServerParts;
}

test('collections that others make again and again keep no rule and no recount from running', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval'] });
  const store = createMemoryObjectStore();
  const rules = () => ({ immutableTags: [], retention: [] });
  const quotas = { quotas: [{ namespace: 'team', maxBytes: 10 }] };
  const hosted = createHostedRegistry(store, { rules, quotas });
  // As oci-server gc does, each night.
  const { endedAt } = await hosted.collection.run();
  const failures: unknown[] = [];
  const log = { error: (fields: object) => failures.push(fields) };
  const end = startStorageWork(partsOver(hosted), () => ({}) as ServerOptions, log);
  await vi.advanceTimersByTimeAsync(10 * minute);
  while (await hosted.quotas.isRecountDue(minute)) await endOfTurn();
  await end();
  vi.useRealTimers();
  expect((await hosted.retention.status()).last).toMatchObject({ result: 'done' });
  expect((await hosted.collection.status()).last?.endedAt).toBe(endedAt);
  expect(failures).toEqual([]);
});

test('a server that finds another one collecting tells of no failure', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval'] });
  const hosted = createHostedRegistry(createMemoryObjectStore());
  hosted.collection.tryRun = async () => undefined;
  const failures: unknown[] = [];
  const log = { error: (fields: object) => failures.push(fields) };
  const expire = vi.spyOn(hosted.quarantine, 'expire');
  const end = startStorageWork(partsOver(hosted), () => ({}) as ServerOptions, log);
  await vi.advanceTimersByTimeAsync(10 * minute);
  while (expire.mock.calls.length === 0) await endOfTurn();
  await end();
  vi.useRealTimers();
  expect(failures).toEqual([]);
});
