import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { EventIds, timeOfEventId } from './event-id.js';

test('ids are UUIDs of version 7 that say when they were made', () => {
  const id = new EventIds().next(1_800_000_000_123);
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(timeOfEventId(id)).toBe(1_800_000_000_123);
  expect(timeOfEventId('no id')).toBeUndefined();
});

test('each id is greater than the one before, whatever the clock does', () => {
  const clock = fc.array(fc.integer({ min: 0, max: 2 ** 47 }), { minLength: 2 });
  fc.assert(
    fc.property(clock, (times) => {
      const ids = new EventIds();
      const made = times.map((time) => ids.next(time));
      expect([...new Set(made)].sort()).toEqual(made);
    }),
  );
});

test('more ids than fit into one millisecond are in order, too', () => {
  const ids = new EventIds();
  const made = Array.from({ length: 10_000 }, () => ids.next(1_800_000_000_000));
  expect([...new Set(made)].sort()).toEqual(made);
});
