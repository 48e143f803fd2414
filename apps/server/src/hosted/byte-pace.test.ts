import { collect, inChunks, randomBytes } from '@oci/testing';
import { expect, test } from 'vitest';

import { BytePace } from './byte-pace.js';

test('all reads together take the time of the rate at least, and change nothing', async () => {
  const bytes = randomBytes(1, 40_000);
  const pace = new BytePace(() => 100_000);
  const begun = performance.now();
  const reads = [1, 2].map(() => collect(pace.through(inChunks(bytes, 5000))));
  for (const read of await Promise.all(reads))
    expect(Buffer.from(read).equals(Buffer.from(bytes))).toBe(true);
  // 80,000 bytes, of which a quarter of a second is let through at once.
  expect(performance.now() - begun).toBeGreaterThan(500);
});

test('ends its wait with the signal', async () => {
  const pace = new BytePace(() => 1);
  const ending = new AbortController();
  const waiting = pace.take(1_000_000, ending.signal);
  ending.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' });
});

test('a rate that is changed meanwhile counts from the next read on', async () => {
  let rate = 1;
  const pace = new BytePace(() => rate);
  rate = 0;
  await expect(pace.take(1_000_000_000)).resolves.toBeUndefined();
});
