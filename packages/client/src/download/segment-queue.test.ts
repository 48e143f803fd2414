import fc from 'fast-check';
import { expect, test } from 'vitest';

import { ByteSpans } from './byte-spans.js';
import { type Segment, SegmentQueue } from './segment-queue.js';

test('gives the gaps from the front to the back, in segments', () => {
  const queue = new SegmentQueue(
    [
      { start: 0, end: 25 },
      { start: 40, end: 45 },
    ],
    { most: 10, least: 10 },
  );
  const spans = Array.from({ length: 5 }, () => queue.take()).map(
    (segment) => segment && [segment.position, segment.end],
  );
  expect(spans).toEqual([[0, 10], [10, 20], [20, 25], [40, 45], undefined]);
});

test('lets who is idle take half of what the slowest has before it', () => {
  const queue = new SegmentQueue([{ start: 0, end: 20 }], { most: 10, least: 2 });
  const [first, second] = [queue.take(), queue.take()] as [Segment, Segment];
  first.position = 8;
  second.position = 12;
  const stolen = queue.take();
  expect([stolen?.position, stolen?.end, second.end]).toEqual([16, 20, 16]);
});

test('an enormous size costs nothing (GHSA-f36w-mj3v-6jqv)', () => {
  const gap = { start: 0, end: Number.MAX_SAFE_INTEGER };
  const queue = new SegmentQueue([gap], { most: 1, least: 1 });
  expect([queue.take(), queue.take()]).toMatchObject([
    { position: 0, end: 1 },
    { position: 1, end: 2 },
  ]);
});

test('divides nothing that is not worth another request', () => {
  const queue = new SegmentQueue([{ start: 0, end: 10 }], { most: 10, least: 6 });
  queue.take();
  expect(queue.take()).toBeUndefined();
});

test('every byte is fetched, in whichever order and speed segments are worked on', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 500 }),
      fc.integer({ min: 1, max: 60 }),
      fc.array(fc.nat({ max: 7 })),
      (size, most, steps) => {
        const queue = new SegmentQueue([{ start: 0, end: size }], { most, least: 3 });
        const done = new ByteSpans();
        const running: Segment[] = [];
        const next = (at: number): void => {
          const segment = running[at % Math.max(1, running.length)];
          if (!segment || running.length < 3) {
            const taken = queue.take();
            if (taken) running.push(taken);
          }
          if (!segment) return;
          const from = segment.position;
          segment.position = Math.min(segment.end, from + 1 + at);
          done.add({ start: from, end: segment.position });
          if (segment.remaining > 0) return;
          queue.finish(segment);
          running.splice(running.indexOf(segment), 1);
        };
        for (const step of steps) next(step);
        while (queue.hasWork || running.length > 0) next(5);
        expect(done.gaps(size)).toEqual([]);
      },
    ),
  );
});
