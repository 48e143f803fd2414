import { expect, test } from 'vitest';

import { RateLimit } from './rate-limit.js';

test('gives what is left at once, then says how long to wait', () => {
  const limit = new RateLimit({ perSecond: 2, burst: 3 });
  expect([1, 2, 3].map(() => limit.take('a', 0))).toEqual([0, 0, 0]);
  expect(limit.take('a', 0)).toBe(1);
  expect(limit.take('b', 0)).toBe(0);
  expect(limit.take('a', 500)).toBe(0);
  expect(limit.take('a', 500)).toBe(1);
  expect([1, 2, 3].map(() => limit.take('a', 60_000))).toEqual([0, 0, 0]);
});

test('forgets who was quiet for longest, however many there are', () => {
  const limit = new RateLimit({ perSecond: 1, burst: 1 });
  limit.take('first', 0);
  for (let at = 0; at < 10_000; at += 1) limit.take(`client ${at}`, 0);
  expect(limit.take('first', 0)).toBe(0);
});
