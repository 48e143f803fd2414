import fc from 'fast-check';
import { expect, test } from 'vitest';

import { parseRetryAfter } from './retry-after.js';

const now = Date.UTC(2026, 0, 1, 0, 0, 0);

test.each([
  ['3', 3000],
  ['0', 0],
  [' 120 ', 120_000],
  ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
  ['Thu, 01 Jan 2026 00:00:00 GMT', 0],
  ['Wed, 31 Dec 2025 23:59:00 GMT', 0],
  ['-1', undefined],
  ['1.5', undefined],
  ['soon', undefined],
  ['2026-01-01', undefined],
  ['9999999999', undefined],
  ['', undefined],
  [undefined, undefined],
])('%j asks to wait %s ms', (value, expected) => {
  expect(parseRetryAfter(value, now)).toBe(expected);
});

test('is never negative, and never not a number', () => {
  fc.assert(
    fc.property(fc.string(), (value) => {
      expect(parseRetryAfter(value, now) ?? 0).toBeGreaterThanOrEqual(0);
    }),
  );
});
