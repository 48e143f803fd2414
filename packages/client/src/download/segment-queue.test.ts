import fc from 'fast-check';
import { expect, test } from 'vitest';

import { ByteSpans } from './byte-spans.js';
import { type Segment, SegmentQueue } from './segment-queue.js';

test('gives the gaps from the front to the back, in segments', async () => {
  const queue = new SegmentQueue(
    [
      { start: 0, end: 25 },
      { start: 40, end: 45 },
    ],
    { most: 10, least: 10 },
  );
  const taken = await Promise.all(Array.from({ length: 5 }, () => queue.take()));
  const spans = taken.map((segment) => segment && [segment.position, segment.end]);
  expect(spans).toEqual([[0, 10], [10, 20], [20, 25], [40, 45], undefined]);
});

test('lets who is idle take half of what the slowest has before it', async () => {
  const queue = new SegmentQueue([{ start: 0, end: 20 }], { most: 10, least: 2 });
  const [first, second] = [await queue.take(), await queue.take()] as [Segment, Segment];
  first.position = 8;
  second.position = 12;
  const stolen = await queue.take();
  expect([stolen?.position, stolen?.end, second.end]).toEqual([16, 20, 16]);
});

test('an enormous size costs nothing (GHSA-f36w-mj3v-6jqv)', async () => {
  const gap = { start: 0, end: Number.MAX_SAFE_INTEGER };
  const queue = new SegmentQueue([gap], { most: 1, least: 1 });
  expect([await queue.take(), await queue.take()]).toMatchObject([
    { position: 0, end: 1 },
    { position: 1, end: 2 },
  ]);
});

test('divides nothing that is not worth another request', async () => {
  const queue = new SegmentQueue([{ start: 0, end: 10 }], { most: 10, least: 6 });
  await queue.take();
  expect(await queue.take()).toBeUndefined();
});

test('every byte is fetched once, in whichever order and speed segments are worked on', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 500 }),
      fc.integer({ min: 1, max: 60 }),
      fc.array(fc.nat({ max: 7 })),
      fc.boolean(),
      async (size, most, steps, isRemote) => {
        const queue = new SegmentQueue([{ start: 0, end: size }], { most, least: 3 });
        const done = new ByteSpans();
        let count = 0;
        const running: Segment[] = [];
        const next = async (at: number): Promise<void> => {
          const segment = running[at % Math.max(1, running.length)];
          if (!segment || running.length < 3) {
            const taken = await queue.take();
            if (taken) running.push(taken);
            // Whoever writes it may be further than is known here.
            if (taken && isRemote)
              taken.cutter = async (end) => Math.max(end, Math.min(taken.end, taken.position + at));
          }
          if (!segment) return;
          const from = segment.position;
          segment.position = Math.min(segment.end, from + 1 + at);
          done.add({ start: from, end: segment.position });
          count += segment.position - from;
          if (segment.remaining > 0) return;
          queue.finish(segment);
          running.splice(running.indexOf(segment), 1);
        };
        for (const step of steps) {
          await next(step);
          if (step === 7) await queue.divide(Math.ceil(most / 2));
        }
        while (queue.hasWork || running.length > 0) await next(5);
        expect(done.gaps(size)).toEqual([]);
        expect(count).toBe(size);
      },
    ),
  );
});

test('what came meanwhile is not taken away', async () => {
  const queue = new SegmentQueue([{ start: 0, end: 20 }], { most: 20, least: 2 });
  const first = await queue.take();
  if (first) first.cutter = async () => 20;
  const taking = queue.take();
  expect(first?.isBeingCut).toBe(true);
  if (first) first.position = 20;
  expect(await taking).toBeUndefined();
  expect(first).toMatchObject({ end: 20, isBeingCut: false });
});
