import { describe, expect, it } from 'vitest';

import { forEachConcurrent } from './concurrency.js';

describe('forEachConcurrent', () => {
  it('never runs more at once than its limit, and misses none', async () => {
    let running = 0;
    let most = 0;
    const done: number[] = [];
    const work = async (item: number): Promise<void> => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      done.push(item);
    };
    await forEachConcurrent([1, 2, 3, 4, 5, 6, 7], work, { limit: 3 });
    expect(most).toBe(3);
    expect(done.sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it('begins nothing after a failure, aborts what runs, and passes the failure on', async () => {
    const begun: number[] = [];
    const work = async (item: number, signal: AbortSignal): Promise<void> => {
      begun.push(item);
      if (item === 1) throw new Error('first');
      await new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(new Error('aborted'))),
      );
    };
    await expect(forEachConcurrent([2, 1, 3, 4], work, { limit: 2 })).rejects.toThrow('first');
    expect(begun).toEqual([2, 1]);
  });

  it('begins with what is there while more is awaited, and ends what it awaits after a failure', async () => {
    const ended: string[] = [];
    async function* items(): AsyncGenerator<number> {
      try {
        yield 1;
        while (done.length === 0) await new Promise((resolve) => setImmediate(resolve));
        yield 2;
        yield 3;
      } finally {
        ended.push('items');
      }
    }
    const done: number[] = [];
    const work = async (item: number): Promise<void> => {
      if (item === 2) throw new Error('second');
      done.push(item);
    };
    await expect(forEachConcurrent(items(), work, { limit: 2 })).rejects.toThrow('second');
    expect(done[0]).toBe(1);
    expect(ended).toEqual(['items']);
  });

  it('fails when its signal has fired', async () => {
    await expect(
      forEachConcurrent([1], async () => {}, { limit: 1, signal: AbortSignal.abort() }),
    ).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
