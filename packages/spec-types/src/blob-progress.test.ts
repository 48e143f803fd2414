import { expect, test } from 'vitest';

import { BlobProgress, type TransferEvent, parseDigest, withoutProgress } from './index.js';

const digest = parseDigest(`sha256:${'a'.repeat(64)}`);

function progressOf(size: number): {
  readonly progress: BlobProgress;
  readonly events: TransferEvent[];
  readonly clock: { now: number };
} {
  const events: TransferEvent[] = [];
  const clock = { now: 0 };
  const annotations = { 'org.opencontainers.image.title': 'tool' };
  const blob = { digest, size, annotations };
  const progress = new BlobProgress(
    blob,
    (event) => void events.push(event),
    () => clock.now,
  );
  return { progress, events, clock };
}

test('a blob is told of four times a second, by its parts, and always of its last byte', () => {
  const size = 64_000;
  const { progress, events, clock } = progressOf(size);
  progress.start();
  // Slowly at first, then fast.
  for (let done = 1; done <= size; done += 1) {
    progress.moved(done);
    if (done <= 1000) clock.now += 1;
  }
  progress.done();
  expect(events[0]).toEqual({ type: 'start', digest, size, title: 'tool' });
  const bytes = events.flatMap((event) => (event.type === 'bytes' ? [event.done] : []));
  expect(bytes.slice(0, 6)).toEqual([1, 251, 501, 751, 1001, 3001]);
  expect(bytes).toHaveLength(5 + 32);
  expect(bytes.at(-1)).toBe(size);
  expect(events.at(-1)).toEqual({ type: 'done', digest, size });
});

test('what came without a word is told at the end, and never less than before', () => {
  const { progress, events, clock } = progressOf(10);
  progress.moved(6);
  clock.now += 1000;
  progress.moved(3);
  progress.done();
  expect(events.map((event) => ('done' in event ? event.done : event.type))).toEqual([
    6,
    10,
    'done',
  ]);
});

test('bytes pass on as they are', async () => {
  const { progress, events } = progressOf(3);
  const chunks = [new Uint8Array([1, 2]), new Uint8Array([3])];
  async function* source(): AsyncGenerator<Uint8Array> {
    yield* chunks;
  }
  const seen: Uint8Array[] = [];
  for await (const chunk of progress.of(source())) seen.push(chunk);
  expect(seen).toEqual(chunks);
  expect(events.map((event) => 'done' in event && event.done)).toEqual([2, 3]);
});

test('without progress the rest is heard', () => {
  const heard: string[] = [];
  const onEvent = withoutProgress(({ type }) => void heard.push(type));
  onEvent?.({ type: 'start', digest, size: 1 });
  onEvent?.({ type: 'warning', message: 'x' });
  onEvent?.({ type: 'done', digest, size: 1 });
  expect(heard).toEqual(['warning']);
  expect(withoutProgress(undefined)).toBeUndefined();
});
