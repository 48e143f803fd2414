import { setTimeout as sleep } from 'node:timers/promises';

import { type ObjectStore, createMemoryObjectStore } from '@oci/cache';
import { OciError } from '@oci/spec-types';
import { expect, test } from 'vitest';

import { keys } from './keys.js';
import { Records } from './records.js';
import { Task, type TaskLease } from './task-record.js';

interface State {
  readonly at: string;
}

const quick = { beatMs: 10, missed: 4 };
/** Of processes that are never taken for dead, however slow the machine is. */
const patient = { beatMs: 10, missed: 1000 };

function gate(): { readonly passed: Promise<void>; open(): void } {
  let open = (): void => {};
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { passed, open: () => open() };
}

/** Tasks of processes that know of each other only what is in the store. */
function taskOf(store: ObjectStore, times = patient): Task<State> {
  return new Task(new Records(store), 'collection', times);
}

/** A process that begins the task and is killed: its record stays as it is. */
async function died(store: ObjectStore, state: State): Promise<void> {
  const copy = createMemoryObjectStore();
  await taskOf(copy).run(async (lease) => {
    await lease.save(state);
    const object = await copy.get(keys.task('collection'));
    if (object) await store.put(keys.task('collection'), object.body);
  });
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

test('one process runs a task, and another one is told so', async () => {
  const store = createMemoryObjectStore();
  const [one, other] = [taskOf(store), taskOf(store)];
  const [begun, end] = [gate(), gate()];
  const running = one.run(async () => {
    begun.open();
    await end.passed;
    return 'done';
  });
  await begun.passed;
  expect(await one.run(async () => 'again')).toBeUndefined();
  expect(await other.run(async () => 'beside it')).toBeUndefined();
  expect((await other.status()).runningSince).toBeGreaterThan(0);
  end.open();
  expect(await running).toBe('done');
  expect(await other.status()).toEqual({ runs: 1, runningSince: undefined, state: undefined });
  expect(await other.run(async () => 'behind it')).toBe('behind it');
});

test('of many who begin at once, one runs', async () => {
  const store = createMemoryObjectStore();
  let running = 0;
  let most = 0;
  const runs = Array.from({ length: 8 }, () =>
    taskOf(store).run(async ({ signal }) => {
      most = Math.max(most, (running += 1));
      await Promise.race([aborted(signal), sleep(60)]);
      running -= 1;
      return 'ran';
    }),
  );
  expect((await Promise.all(runs)).filter((result) => result === 'ran')).toHaveLength(1);
  expect(most).toBe(1);
});

test('the run of a process that died is taken over, with what it saved', async () => {
  const store = createMemoryObjectStore();
  await died(store, { at: 'half' });
  expect((await taskOf(store).status()).runningSince).toBeGreaterThan(0);
  const state = await taskOf(store, quick).run(async (lease) => lease.state);
  expect(state).toEqual({ at: 'half' });
  expect(await taskOf(store).status()).toMatchObject({ runs: 2, runningSince: undefined });
});

test('a process whose run was taken over is told, and writes nothing more', async () => {
  const store = createMemoryObjectStore();
  const begun = gate();
  let held: TaskLease<State> | undefined;
  const stopped = taskOf(store).run(async (lease) => {
    held = lease;
    begun.open();
    await aborted(lease.signal);
    await expect(lease.save({ at: 'late' })).rejects.toMatchObject({ code: 'ABORTED' });
    return 'ended';
  });
  await begun.passed;
  // As if it had been stopped for so long that it counts as dead.
  await store.delete(keys.task('collection'));
  const other = taskOf(store);
  await other.run(async (lease) => {
    await lease.save({ at: 'new' });
    expect(await stopped).toBe('ended');
  });
  expect(held?.signal.aborted).toBe(true);
  expect((await other.status()).state).toEqual({ at: 'new' });
});

test('a run ends before others take it over when its record cannot be written', async () => {
  const store = createMemoryObjectStore();
  const put = store.put.bind(store);
  const ended = taskOf(store, quick).run(async ({ signal }) => {
    store.put = async () => Promise.reject(new OciError('STORAGE_FULL', 'the disk is full'));
    await aborted(signal);
    return 'ended';
  });
  expect(await ended).toBe('ended');
  store.put = put;
  expect(await taskOf(store, quick).run(async () => 'taken over')).toBe('taken over');
});

test('the signal of the caller ends the wait for another process, and reaches the work', async () => {
  const store = createMemoryObjectStore();
  await died(store, { at: 'half' });
  const signal = AbortSignal.timeout(15);
  const waiting = new Task<State>(new Records(store), 'collection', { beatMs: 60_000, missed: 4 });
  await expect(waiting.run(async () => 'ran', { signal })).rejects.toMatchObject({
    code: 'TIMEOUT',
  });
  const ending = new AbortController();
  const run = taskOf(store, quick).run(
    async (lease) => {
      ending.abort();
      await aborted(lease.signal);
      return 'ended';
    },
    { signal: ending.signal },
  );
  expect(await run).toBe('ended');
  expect((await taskOf(store).status()).runningSince).toBeUndefined();
});

test('a record that cannot be read is that of a task that never ran', async () => {
  const store = createMemoryObjectStore();
  const task = taskOf(store);
  await task.run(async (lease) => lease.save({ at: 'once' }));
  await new Records(store).change(keys.task('collection'), () => ({ runs: 'many' }));
  expect(await task.status()).toEqual({ runs: 0, runningSince: undefined, state: undefined });
  expect(await task.run(async () => 'ran')).toBe('ran');
});
