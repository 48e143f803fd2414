import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { type UpkeepOptions, startUpkeep } from './upkeep.js';

const minute = 60_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const isDue = async (): Promise<boolean> => true;

/** Upkeep of a storage that says what is due. */
function bench(
  options: Partial<UpkeepOptions> & { readonly isDue?: (task: string) => boolean } = {},
) {
  const done: string[] = [];
  const { isDue = () => true, ...others } = options;
  const hosted = {
    expireUploads: async () => done.push('uploads'),
  } as unknown as UpkeepOptions['hosted'];
  const task = (name: string) => ({
    name,
    isDue: async () => isDue(name),
    run: async () => done.push(name),
  });
  const end = startUpkeep({
    hosted,
    intervalMs: () => 24 * 60 * minute,
    tasks: [task('retention'), task('collection')],
    onFailure: (error, name) => done.push(`${name}: ${(error as Error).message}`),
    ...others,
  });
  return { done, end };
}

test('nothing is done at the start; what is due is done in its order', async () => {
  let isDue = false;
  const { done, end } = bench({ isDue: () => isDue });
  await vi.advanceTimersByTimeAsync(59 * minute);
  expect(done).toEqual([]);
  isDue = true;
  await vi.advanceTimersByTimeAsync(minute);
  expect(done.toSorted()).toEqual(['collection', 'retention', 'uploads']);
  expect(done.indexOf('retention')).toBeLessThan(done.indexOf('collection'));
  await end();
});

test('what another has done is left out, and keeps nothing else from being done', async () => {
  const { done, end } = bench({ isDue: (task) => task !== 'collection' });
  await vi.advanceTimersByTimeAsync(10 * minute);
  expect(done).toEqual(['retention']);
  await end();
});

test('a task that fails is told, and those behind it run', async () => {
  const failing = {
    name: 'retention',
    isDue,
    run: async () => Promise.reject(new Error('denied')),
  };
  const done: string[] = [];
  const other = { name: 'collection', isDue, run: async () => done.push('collection') };
  const onFailure = (_: unknown, task: string): void => void done.push(`${task} failed`);
  const { end } = bench({ tasks: [failing, other], onFailure });
  await vi.advanceTimersByTimeAsync(10 * minute);
  expect(done).toEqual(['retention failed', 'collection']);
  await end();
});

test('an interval of 0 is never, and one that changes counts at the next look', async () => {
  let intervalMs = 0;
  const { done, end } = bench({ intervalMs: () => intervalMs });
  await vi.advanceTimersByTimeAsync(50 * minute);
  expect(done).toEqual([]);
  intervalMs = minute;
  await vi.advanceTimersByTimeAsync(12 * minute);
  expect(done.filter((name) => name === 'collection')).toHaveLength(3);
  await end();
});

test('the end aborts what runs, waits for it, and begins nothing more', async () => {
  const done: string[] = [];
  const slow = {
    name: 'retention',
    isDue,
    run: ({ signal }: { readonly signal: AbortSignal }) =>
      new Promise<void>((_, reject) => {
        const stop = async (): Promise<void> => {
          await vi.advanceTimersByTimeAsync(0);
          done.push('stopped');
          reject(new Error('aborted'));
        };
        signal.addEventListener('abort', () => void stop());
      }),
  };
  const other = { name: 'collection', isDue, run: async () => done.push('collection') };
  const { done: told, end } = bench({ tasks: [slow, other] });
  await vi.advanceTimersByTimeAsync(10 * minute);
  await end();
  await vi.advanceTimersByTimeAsync(100 * minute);
  expect([...done, ...told]).toEqual(['stopped']);
});
