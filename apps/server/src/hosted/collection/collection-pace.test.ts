import { expect, test } from 'vitest';

import { CollectionPace } from './collection-pace.js';

async function* endless(): AsyncGenerator<number> {
  for (let at = 0; ; at += 1) yield at;
}

test('a rate lets no more through, and an abort ends the wait at once', async () => {
  const ending = new AbortController();
  const pace = new CollectionPace(500);
  const beganAt = performance.now();
  const work = async (): Promise<void> => {
    for await (const at of pace.of(endless(), ending.signal)) if (at === 100) break;
  };
  await work();
  // However slow the machine is, they take as long as the rate says, but for the wait that is not worth a timer.
  expect(performance.now() - beganAt).toBeGreaterThan(180);
  const slow = new CollectionPace(0.001).of(endless(), ending.signal);
  const waiting = slow.next();
  ending.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' });
});

test('without a rate nothing waits, and an abort ends it at once', async () => {
  const ending = new AbortController();
  let seen = 0;
  const work = async (): Promise<void> => {
    for await (const at of new CollectionPace(0).of(endless(), ending.signal)) {
      seen = at;
      if (at === 5000) ending.abort();
    }
  };
  await expect(work()).rejects.toMatchObject({ code: 'ABORTED' });
  expect(seen).toBe(5000);
});
