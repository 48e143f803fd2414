import { expect, test, vi } from 'vitest';

import { Throughput } from './throughput.js';

test('asks for more connections once, where less comes than is enough', async () => {
  const throughput = new Throughput(1e15);
  expect(throughput.isSlow).toBe(false);
  const onSlow = vi.fn<() => void>();
  throughput.watch(onSlow);
  throughput.add(1000);
  await vi.waitFor(() => expect(onSlow).toHaveBeenCalledOnce(), { timeout: 20_000 });
  expect(throughput.isSlow).toBe(true);
});

test('asks for none while enough comes, whoever brings it', async () => {
  const throughput = new Throughput(0);
  const onSlow = vi.fn<() => void>();
  const stop = throughput.watch(onSlow);
  const slow = new Throughput(1e15);
  await new Promise<void>((resolve) => slow.watch(resolve));
  stop();
  expect(onSlow).not.toHaveBeenCalled();
  expect(throughput.isSlow).toBe(false);
});

test('asks for none while a thread that receives is busy, and then for some', async () => {
  let share = 0.9;
  const throughput = new Throughput(1e15, () => () => share);
  const onSlow = vi.fn<() => void>();
  throughput.watch(onSlow);
  await new Promise<void>((resolve) => new Throughput(1e15).watch(resolve));
  expect(onSlow).not.toHaveBeenCalled();
  share = 0.1;
  await vi.waitFor(() => expect(onSlow).toHaveBeenCalledOnce(), { timeout: 20_000 });
});

test('is slow from the first where nothing is ever enough', () => {
  expect(new Throughput(Infinity).isSlow).toBe(true);
});
