import { expect, it, vi } from 'vitest';

import { sampled } from './sampled.js';

it('finds a figure once in its time, and again after a failure', async () => {
  const now = vi.spyOn(performance, 'now').mockReturnValue(1000);
  let found = 0;
  const figure = sampled(60_000, async () => {
    found += 1;
    if (found === 1) throw new Error('the first fails');
    return found;
  });
  await expect(figure()).rejects.toThrow('the first fails');
  expect([await figure(), await figure()]).toEqual([2, 2]);
  now.mockReturnValue(61_000);
  expect(await figure()).toBe(3);
  now.mockRestore();
});
