import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { newDataId } from '../content.js';
import { DataFilter } from './data-filter.js';

test('every name that was added is found', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string({ maxLength: 40 }), { maxLength: 300 }), (names) => {
      const filter = new DataFilter(names.length);
      for (const name of names) filter.add(name);
      expect(names.filter((name) => !filter.has(name))).toEqual([]);
    }),
  );
});

test('few names that were not added seem to be there, and others in another filter', () => {
  const others = Array.from({ length: 20_000 }, newDataId);
  const [one = [], two = []] = [1, 2].map(() => {
    const filter = new DataFilter(5000);
    for (let name = 0; name < 5000; name += 1) filter.add(newDataId());
    return others.filter((name) => filter.has(name));
  });
  for (const found of [one, two]) expect(found.length).toBeLessThan(others.length / 100);
  expect(one.filter((name) => two.includes(name)).length).toBeLessThan(others.length / 1000);
});

test('takes two bytes a name, and at most 64 MiB', () => {
  expect(new DataFilter(0).size).toBe(8192);
  expect(new DataFilter(1_000_000).size).toBe(2 * 1024 ** 2);
  expect(new DataFilter(1e9).size).toBe(64 * 1024 ** 2);
});
