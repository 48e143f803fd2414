import { expect, test } from 'vitest';

import { SlotQueue } from './slot-queue.js';

async function settled(promise: Promise<unknown>): Promise<boolean> {
  return Promise.race([
    promise.then(() => true),
    new Promise<boolean>((resolve) => setImmediate(() => resolve(false))),
  ]);
}

test('gives as many places as there are, then in the order of asking', async () => {
  const queue = new SlotQueue({ limit: 2, most: 2 });
  const first = await queue.acquire();
  await queue.acquire();
  const entered: number[] = [];
  const third = queue.acquire().then(() => entered.push(3));
  const fourth = queue.acquire().then(() => entered.push(4));
  expect(await settled(third)).toBe(false);
  first();
  first();
  await third;
  expect(await settled(fourth)).toBe(false);
  expect(entered).toEqual([3]);
});

test('grows by one after a round of successes, up to its most, and halves', () => {
  const queue = new SlotQueue({ limit: 4, most: 6 });
  for (let i = 0; i < 5; i += 1) queue.grow();
  expect(queue.limit).toBe(5);
  for (let i = 0; i < 100; i += 1) queue.grow();
  expect(queue.limit).toBe(6);
  queue.halve();
  expect(queue.limit).toBe(3);
  for (let i = 0; i < 10; i += 1) queue.halve();
  expect(queue.limit).toBe(1);
});

test('lets those who wait in when it grows', async () => {
  const queue = new SlotQueue({ limit: 1, most: 2 });
  await queue.acquire();
  const second = queue.acquire();
  expect(await settled(second)).toBe(false);
  queue.grow();
  expect(await settled(second)).toBe(true);
});

test('who is aborted leaves the queue', async () => {
  const queue = new SlotQueue({ limit: 1, most: 1 });
  const release = await queue.acquire();
  const controller = new AbortController();
  const leaving = queue.acquire(controller.signal);
  const staying = queue.acquire();
  controller.abort();
  await expect(leaving).rejects.toMatchObject({ code: 'ABORTED' });
  release();
  expect(await settled(staying)).toBe(true);
  await expect(queue.acquire(AbortSignal.abort())).rejects.toMatchObject({ code: 'ABORTED' });
});
