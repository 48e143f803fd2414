import { expect, test } from 'vitest';

import { BlockPool } from './block-pool.js';

test('gives a block again that was given back, whichever part of it comes', () => {
  const pool = new BlockPool(() => 1000);
  const block = pool.take();
  expect(block.byteLength).toBe(1000);
  expect(pool.take().buffer).not.toBe(block.buffer);
  pool.giveBack(block.subarray(10, 20));
  expect(pool.take().buffer).toBe(block.buffer);
});

test('gives no block twice, and none that is not its own', () => {
  const pool = new BlockPool(() => 1000);
  const block = pool.take();
  pool.giveBack(block);
  pool.giveBack(block);
  pool.giveBack(Buffer.alloc(1000));
  const taken = [pool.take(), pool.take()];
  expect(taken.filter(({ buffer }) => buffer === block.buffer)).toHaveLength(1);
});

test('keeps 8 MiB of what was given back, at most', () => {
  const size = 1024 * 1024;
  const pool = new BlockPool(() => size);
  const lent = Array.from({ length: 12 }, () => pool.take());
  for (const block of lent) pool.giveBack(block);
  const again = Array.from({ length: 12 }, () => pool.take());
  const known = new Set(lent.map(({ buffer }) => buffer));
  expect(again.filter(({ buffer }) => known.has(buffer))).toHaveLength(8);
});

test('gives blocks of the size that is wanted now', () => {
  let size = 1000;
  const pool = new BlockPool(() => size);
  pool.giveBack(pool.take());
  size = 10;
  expect(pool.take().byteLength).toBe(10);
});
