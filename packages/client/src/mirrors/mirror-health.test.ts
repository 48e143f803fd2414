import { expect, test } from 'vitest';

import { MirrorHealth } from './mirror-health.js';

test('waits longer after each failure, up to a minute, and not after a success', () => {
  let now = 0;
  const health = new MirrorHealth(() => now);
  const pauseOf = (): number => {
    const from = now;
    while (!health.isWorthAsking('x')) now += 500;
    return now - from;
  };
  const pauses = Array.from({ length: 8 }, () => {
    health.failed();
    return pauseOf();
  });
  expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
  health.succeeded();
  health.failed();
  expect(pauseOf()).toBe(1000);
  health.failed(90_000);
  expect(pauseOf()).toBe(90_000);
});

test('a path that was wrong is not asked for again, and others are', () => {
  const health = new MirrorHealth();
  health.discredit('x');
  expect([health.isWorthAsking('x'), health.isWorthAsking('y')]).toEqual([false, true]);
});
