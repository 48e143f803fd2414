import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { Position } from './position.js';

test('whatever order work ends in, everything up to the position is done, and no more could be', () => {
  const property = fc.property(
    fc.integer({ min: 1, max: 30 }).chain((count) =>
      fc.record({
        count: fc.constant(count),
        order: fc.shuffledSubarray(Array.from({ length: count }, (_, at) => at)),
      }),
    ),
    ({ count, order }) => {
      const position = new Position('start');
      const ends = Array.from({ length: count }, (_, at) => position.begin(`key ${at}`));
      const done = new Set<number>();
      for (const at of order) {
        ends[at]?.();
        done.add(at);
        let first = 0;
        while (done.has(first)) first += 1;
        expect(position.key).toBe(first === 0 ? 'start' : `key ${first - 1}`);
        expect(position.open).toBe(count - first);
      }
    },
  );
  fc.assert(property, { numRuns: 200 });
});
