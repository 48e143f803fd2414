import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { RegistryResponse } from './exchange.js';
import { watchProgress } from './progress-watch.js';

const url = new URL('https://registry.example/v2/');
const request = { method: 'GET', url, headers: {}, scopes: [] } as const;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A body of pieces of so many bytes, each after so many milliseconds. */
function answer(pieces: Iterable<readonly [bytes: number, afterMs: number]>): RegistryResponse {
  let fail: (error: Error) => void = () => {};
  const destroyed = new Promise<never>((_, reject) => (fail = reject));
  destroyed.catch(() => {});
  const body = {
    dump: async () => {},
    destroy: () => fail(new Error('destroyed')),
    async *[Symbol.asyncIterator]() {
      for (const [bytes, afterMs] of pieces) {
        await Promise.race([
          new Promise<void>((resolve) => setTimeout(resolve, afterMs)),
          destroyed,
        ]);
        yield new Uint8Array(bytes);
      }
    },
  };
  return { status: 200, headers: {}, body, url, attempts: 1 };
}

async function read(
  pieces: Iterable<readonly [number, number]>,
  { idleMs, readerMs = 0 }: { idleMs?: number; readerMs?: number } = {},
): Promise<number> {
  const watched = watchProgress(async () => answer(pieces), { idleMs: 1000 });
  const { body } = await watched({ ...request, idleMs });
  let size = 0;
  const reading = (async () => {
    for await (const chunk of body) {
      size += chunk.byteLength;
      if (readerMs > 0) await new Promise((resolve) => setTimeout(resolve, readerMs));
    }
    return size;
  })();
  reading.catch(() => {});
  await vi.runAllTimersAsync();
  return reading;
}

const stalled = { code: 'TIMEOUT', retryable: true };

test('lets a body pass that brings enough in time, however long it takes in all', async () => {
  expect(await read(Array.from({ length: 100 }, () => [1024, 900] as const))).toBe(102_400);
});

test('gives up one that brings nothing', async () => {
  await expect(
    read([
      [5000, 0],
      [5000, 1001],
    ]),
  ).rejects.toMatchObject(stalled);
});

test('gives up one that brings a byte now and then (slow loris)', async () => {
  function* drops(): Generator<readonly [number, number]> {
    for (;;) yield [1, 100];
  }
  await expect(read(drops())).rejects.toMatchObject(stalled);
});

test('takes the time that the request gives', async () => {
  await expect(read([[5000, 101]], { idleMs: 100 })).rejects.toMatchObject(stalled);
  expect(await read([[5000, 4000]], { idleMs: 5000 })).toBe(5000);
});

test('does not hold against the host what its reader takes', async () => {
  expect(
    await read(
      [
        [10, 0],
        [10, 900],
        [10, 900],
      ],
      { readerMs: 5000 },
    ),
  ).toBe(30);
});

test('watches on when the time was over just while its reader was busy', async () => {
  const pieces = [
    [10, 99],
    [10, 10_000],
  ] as const;
  await expect(read(pieces, { idleMs: 100, readerMs: 50 })).rejects.toMatchObject(stalled);
});

test('leaves no timer behind', async () => {
  await read([[10, 0]]);
  expect(vi.getTimerCount()).toBe(0);
});
