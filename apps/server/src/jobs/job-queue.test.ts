import { describe, expect, test } from 'vitest';

import { JobQueue, type JobResult } from './job-queue.js';

/** A queue, and what ends its jobs one by one. */
function bench() {
  const jobs = new JobQueue();
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const start = (owner: string) =>
    jobs.start({
      kind: 'kcl',
      owner,
      run: () => {
        begun.push(owner);
        return new Promise<JobResult>((_, reject) =>
          ends.push(() => reject(new Error('it has ended'))),
        );
      },
    });
  const endNext = async (): Promise<void> => {
    ends.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { jobs, begun, start, endNext };
}

describe('jobs', () => {
  test('of one caller leave room to run and to wait for those of others', () => {
    const { jobs, begun, start } = bench();
    for (let job = 0; job < 104; job += 1) start('greedy');
    expect(() => start('greedy')).toThrow(expect.objectContaining({ status: 429 }));
    expect(jobs.counts).toEqual({ queued: 100, running: 4 });
    start('other');
    expect(begun).toEqual(['greedy', 'greedy', 'greedy', 'greedy', 'other']);
  });

  test('of callers who wait begin in turn, whoever was first', async () => {
    const { begun, start, endNext } = bench();
    for (const owner of ['a', 'b']) for (let job = 0; job < 10; job += 1) start(owner);
    start('c');
    start('c');
    expect(begun).toHaveLength(8);
    await endNext();
    await endNext();
    expect(begun.slice(8)).toEqual(['c', 'c']);
  });

  test('of many callers are bounded together', () => {
    const { start } = bench();
    let accepted = 0;
    expect(() => {
      for (let owner = 0; ; owner += 1) {
        for (let job = 0; job < 20; job += 1) {
          start(`caller ${owner}`);
          accepted += 1;
        }
      }
    }).toThrow(expect.objectContaining({ status: 429 }));
    expect(accepted).toBe(1008);
  });

  test('that have ended are forgotten, those of whoever has most first', async () => {
    const { jobs, start, endNext } = bench();
    const { id } = start('quiet');
    await endNext();
    for (let job = 0; job < 502; job += 1) {
      start('busy');
      await endNext();
    }
    expect(jobs.get(id)).toBeDefined();
    expect(jobs.list((owner) => owner === 'busy').length).toBeLessThanOrEqual(501);
  });
});
