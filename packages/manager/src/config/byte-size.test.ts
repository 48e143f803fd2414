import { expect, test } from 'vitest';

import { byteSize, parseByteSize } from './byte-size.js';

test.each([
  ['0', 0],
  ['512', 512],
  ['1kB', 1000],
  ['500MB', 500_000_000],
  ['1.5GiB', 1_610_612_736],
  ['10 GiB', 10_737_418_240],
  ['2T', 2_000_000_000_000],
  [4096, 4096],
  [10n, 10],
] as const)('%s is %d bytes', (text, bytes) => {
  expect(byteSize(text)).toBe(bytes);
});

test.each(['', '-1', 'MB', '1e9', '1XB', '1 2', '0x10', '9999999T', true, null])(
  '%j is no size',
  (text) => {
    expect(byteSize(text)).toBeUndefined();
    expect(() => parseByteSize(String(text))).toThrow(/is no size/);
  },
);
