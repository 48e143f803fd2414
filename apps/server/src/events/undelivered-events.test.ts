import { createMemoryObjectStore } from '@oci/cache';
import { expect, test } from 'vitest';

import { Records } from '../hosted/records.js';
import { pingOf } from './cloud-event.js';
import { EventIds } from './event-id.js';
import { UndeliveredEvents } from './undelivered-events.js';

const ids = new EventIds();

function recordOf(failures: Readonly<Record<string, string>>) {
  const identity = { id: ids.next(), source: 'here', time: 0 };
  return { event: pingOf(identity, 'test'), failures, givenUpAt: 0 };
}

test('an event that two webhooks did not take is kept once, with why', async () => {
  const store = createMemoryObjectStore();
  const undelivered = new UndeliveredEvents(store, new Records(store));
  const record = recordOf({ a: 'status 500' });
  await undelivered.add(record);
  await undelivered.add({ ...record, failures: { b: 'ECONNREFUSED' } });
  expect(await undelivered.list(10)).toMatchObject({
    count: 1,
    newest: [{ failures: { a: 'status 500', b: 'ECONNREFUSED' } }],
  });
});

test('the last 1000 events are kept', async () => {
  const store = createMemoryObjectStore();
  const undelivered = new UndeliveredEvents(store, new Records(store));
  const records = Array.from({ length: 1003 }, () => recordOf({ a: 'status 500' }));
  for (const record of records) await undelivered.add(record);
  expect(await undelivered.trim()).toBe(3);
  expect(await undelivered.trim()).toBe(0);
  const { count, newest } = await undelivered.list(2000);
  expect(count).toBe(1000);
  expect(newest.at(-1)?.event.id).toBe(records[3]?.event.id);
});
