import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { PendingEvents } from './pending-events.js';

const eventOf = (id: string, size = 1) => ({
  id,
  webhooks: new Set(['a']),
  since: 0,
  size,
  isStale: false,
});

test('events are in the order of their ids, however they come and go', () => {
  const id = fc.integer({ min: 100, max: 130 }).map(String);
  const step = fc.record({ what: fc.constantFrom('add', 'add', 'remove'), id });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const pending = new PendingEvents();
      const expected = new Set<string>();
      for (const { what, id: each } of steps) {
        if (what === 'add') {
          pending.add(eventOf(each, 3));
          expected.add(each);
        } else {
          pending.remove(each);
          expected.delete(each);
        }
      }
      const sorted = [...expected].sort();
      expect(Array.from(pending.of('a'), (event) => event.id)).toEqual(sorted);
      expect([pending.count, pending.bytes]).toEqual([sorted.length, sorted.length * 3]);
      expect(pending.oldest).toBe(sorted[0]);
    }),
  );
});

test('the oldest go when there are too many, or too many bytes', () => {
  const pending = new PendingEvents();
  for (const id of ['3', '1', '2', '4']) pending.add(eventOf(id, 10));
  expect(pending.takeExcess({ events: 3, bytes: 100 })).toEqual(['1']);
  expect(pending.takeExcess({ events: 3, bytes: 15 })).toEqual(['2', '3']);
  // One that is larger than all may be is delivered nevertheless.
  expect(pending.takeExcess({ events: 3, bytes: 5 })).toEqual([]);
  expect(pending.bytes).toBe(10);
});
