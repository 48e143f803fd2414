import { expect, test } from 'vitest';

import { SharedBlocks } from './shared-blocks.js';

/** Blocks of ten bytes for the readers of `a` and `b`, and how often each was read. */
function opened(mostBytes: number, ...files: readonly string[]) {
  const blocks = new SharedBlocks(mostBytes);
  for (const file of files) blocks.enter(file);
  let reads = 0;
  const take = (file: string, position: number, read = async () => new Uint8Array(10)) =>
    blocks.take({ file, position, size: 10 }, () => {
      reads += 1;
      return read();
    });
  return { blocks, take, reads: () => reads };
}

test('reads a block once for all readers of a file', async () => {
  const { take, reads } = opened(100, 'a', 'a', 'b', 'b');
  const first = take('a', 0);
  expect(await take('a', 0)).toBe(await first);
  expect(reads()).toBe(1);
  await take('a', 10);
  await take('b', 0);
  expect(reads()).toBe(3);
});

test('keeps nothing of a file that has one reader, nor once all others have left', async () => {
  const { blocks, take, reads } = opened(100, 'a');
  await take('a', 0);
  expect(blocks.bytes).toBe(0);
  blocks.enter('a');
  await take('a', 0);
  expect([reads(), blocks.bytes]).toEqual([2, 10]);
  blocks.leave('a');
  expect(blocks.bytes).toBe(0);
});

test('keeps no more bytes than it may, and forgets the oldest first', async () => {
  const { blocks, take, reads } = opened(20, 'a', 'a');
  for (const position of [0, 10, 20]) await take('a', position);
  expect(blocks.bytes).toBe(20);
  await take('a', 20);
  expect(reads()).toBe(3);
  await take('a', 0);
  expect(reads()).toBe(4);
});

test('reads again what could not be read', async () => {
  const { blocks, take } = opened(100, 'a', 'a');
  const failing = take('a', 0, () => Promise.reject(new Error('bad sector')));
  await expect(failing).rejects.toThrow('bad sector');
  expect(blocks.bytes).toBe(0);
  expect(await take('a', 0)).toHaveLength(10);
});
