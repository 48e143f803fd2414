import { expect, test } from 'vitest';

import { SingleFlight, onceDone } from './single-flight.js';

interface Work<T> {
  readonly run: (signal: AbortSignal) => Promise<T>;
  readonly finish: (value: T) => void;
  readonly fail: (error: Error) => void;
  readonly signals: AbortSignal[];
}

function work<T>(): Work<T> {
  let finish: (value: T) => void = () => {};
  let fail: (error: Error) => void = () => {};
  const result = new Promise<T>((resolve, reject) => {
    finish = resolve;
    fail = reject;
  });
  const signals: AbortSignal[] = [];
  return {
    run: (signal) => {
      signals.push(signal);
      return result;
    },
    finish: (value) => finish(value),
    fail: (error) => fail(error),
    signals,
  };
}

test('does the work once for all who ask meanwhile, and again for who asks later', async () => {
  const flights = new SingleFlight<number>();
  const first = work<number>();
  const asked = [1, 2, 3].map(() => flights.do('key', first.run));
  first.finish(7);
  expect(await Promise.all(asked)).toEqual([7, 7, 7]);
  expect(first.signals).toHaveLength(1);
  expect(await flights.do('key', async () => 8)).toBe(8);
});

test('does the work of different keys apart', async () => {
  const flights = new SingleFlight<string>();
  const both = ['a', 'b'].map((key) => flights.do(key, async () => key));
  expect(await Promise.all(both)).toEqual(['a', 'b']);
});

test('passes a failure to all, and begins anew afterwards', async () => {
  const flights = new SingleFlight<number>();
  const first = work<number>();
  const asked = [1, 2].map(() => flights.do('key', first.run));
  first.fail(new Error('broke'));
  const ends = await Promise.allSettled(asked);
  expect(ends.map((end) => end.status)).toEqual(['rejected', 'rejected']);
  expect(await flights.do('key', async () => 9)).toBe(9);
});

test('goes on for the others when one leaves', async () => {
  const flights = new SingleFlight<number>();
  const only = work<number>();
  const leaver = new AbortController();
  const leaving = flights.do('key', only.run, { signal: leaver.signal });
  const staying = flights.do('key', only.run);
  leaver.abort();
  await expect(leaving).rejects.toMatchObject({ code: 'ABORTED' });
  expect(only.signals[0]?.aborted).toBe(false);
  only.finish(1);
  expect(await staying).toBe(1);
});

test('aborts the work when the last has left, and who comes then begins anew', async () => {
  const flights = new SingleFlight<number>();
  const given = work<number>();
  const leaver = new AbortController();
  const leaving = flights.do('key', given.run, { signal: leaver.signal });
  leaver.abort();
  await expect(leaving).rejects.toMatchObject({ code: 'ABORTED' });
  expect(given.signals[0]?.aborted).toBe(true);
  expect(await flights.do('key', async () => 2)).toBe(2);
});

test('begins nothing for who comes with an aborted signal', async () => {
  const flights = new SingleFlight<number>();
  const never = work<number>();
  const asked = flights.do('key', never.run, { signal: AbortSignal.abort() });
  await expect(asked).rejects.toMatchObject({ code: 'ABORTED' });
  expect(never.signals).toEqual([]);
});

test('what is done once is done again only after it failed', async () => {
  let begun = 0;
  const get = onceDone(async () => {
    begun += 1;
    if (begun === 1) throw new Error('broke');
    return begun;
  });
  const ends = await Promise.allSettled([get(), get()]);
  expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(begun).toBe(1);
  expect(await Promise.all([get(), get()])).toEqual([2, 2]);
  expect(await get()).toBe(2);
});
