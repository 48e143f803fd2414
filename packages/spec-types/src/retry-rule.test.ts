import { expect, test } from 'vitest';

import { BackOff } from './back-off.js';
import {
  Retries,
  type RetryRule,
  defaultRetryRule,
  isTransientStatus,
  pauseBound,
} from './retry-rule.js';

const rule: RetryRule = { ...defaultRetryRule, attempts: 3, maxWaitMs: 5000, random: () => 1 };
const passing = { retryable: true };
const asked = { retryable: true, retryAfterMs: 1000 };

test('work that failed is tried again after a pause that doubles, until its attempts are spent', () => {
  const retries = new Retries(rule);
  expect(retries.next(passing)).toEqual({ again: true, isAsked: false, delayMs: 200 });
  expect(retries.next(passing)).toEqual({ again: true, isAsked: false, delayMs: 400 });
  expect(retries.next(passing)).toEqual({ again: false, why: 'spent' });
});

test('a failure that does not pass is final', () => {
  expect(new Retries(rule).next({ retryable: false })).toEqual({ again: false, why: 'final' });
});

test('a wait that the host names is no failed attempt, and is not random', () => {
  const retries = new Retries({ ...rule, attempts: 2, random: () => 0 });
  for (let waits = 0; waits < 20; waits += 1)
    expect(retries.next(asked)).toEqual({ again: true, isAsked: true, delayMs: 1000 });
  expect(retries.failures).toBe(0);
  expect(retries.next(asked)).toEqual({ again: false, why: 'spent' });
});

test('a wait that is longer than allowed ends the work', () => {
  const failure = { retryable: true, retryAfterMs: 5001 };
  expect(new Retries(rule).next(failure)).toEqual({ again: false, why: 'wait-too-long' });
});

test('work that advanced has all of its attempts again', () => {
  const retries = new Retries(rule);
  retries.next(passing);
  retries.next(passing);
  retries.advanced();
  expect(retries.next(passing)).toEqual({ again: true, isAsked: false, delayMs: 200 });
});

test('pauses are random below a bound that has an end', () => {
  expect(pauseBound(rule, 1)).toBe(200);
  expect(pauseBound(rule, 60)).toBe(30_000);
  const half = new Retries({ ...rule, random: () => 0.5 });
  expect(half.next(passing)).toMatchObject({ delayMs: 100 });
});

test('statuses that may pass are told from those that stay', () => {
  const all = [200, 206, 301, 400, 401, 403, 404, 408, 413, 425, 429, 500, 501, 502, 503, 504, 522];
  expect(all.filter(isTransientStatus)).toEqual([408, 425, 429, 500, 502, 503, 504, 522]);
});

test('a host that failed is left alone twice as long each time, or as long as it asked', () => {
  let now = 0;
  const backOff = new BackOff({ baseDelayMs: 1000, maxDelayMs: 3000 }, () => now);
  const pause = (): number => {
    const from = now;
    while (backOff.isPaused) now += 500;
    return now - from;
  };
  expect(pause()).toBe(0);
  const pauses = [0, 0, 0, 7000].map((retryAfterMs) => {
    backOff.failed(retryAfterMs);
    return pause();
  });
  expect(pauses).toEqual([1000, 2000, 3000, 7000]);
  backOff.succeeded();
  expect(backOff.isPaused).toBe(false);
  backOff.failed();
  expect(pause()).toBe(1000);
});
