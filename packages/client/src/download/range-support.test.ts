import { expect, test } from 'vitest';

import { RangeSupport } from './range-support.js';

const [registry, storage, other] = ['registry.example', 'storage.example:444', 'other.example'];

test('knows nothing of a host before it answered', () => {
  expect(new RangeSupport().of(registry)).toBeUndefined();
});

test('knows a registry by the host that its blobs come from', () => {
  const support = new RangeSupport();
  support.answered(registry, storage);
  support.learn(storage, false);
  expect([support.of(registry), support.of(storage), support.of(other)]).toEqual([
    false,
    false,
    undefined,
  ]);
  support.answered(registry, other);
  expect(support.of(registry)).toBeUndefined();
});

test('tries again after ten minutes', () => {
  let now = 0;
  const support = new RangeSupport(() => now);
  support.learn(registry, false);
  now = 10 * 60_000 - 1;
  expect(support.of(registry)).toBe(false);
  now += 1;
  expect(support.of(registry)).toBeUndefined();
});

test('remembers a bounded number of hosts', () => {
  const support = new RangeSupport();
  for (let i = 0; i <= 1000; i += 1) support.learn(`${i}.example`, true);
  expect(support.of('0.example')).toBeUndefined();
  expect(support.of('1000.example')).toBe(true);
});
