import fc from 'fast-check';
import { expect, test } from 'vitest';

import { ByteSpans, type Span } from './byte-spans.js';

const size = 60;
const span = fc
  .tuple(fc.nat({ max: size }), fc.nat({ max: size }))
  .map(([a, b]): Span => ({ start: Math.min(a, b), end: Math.max(a, b) }));

/** The same by one flag a position. */
function flags(spans: readonly Span[]): boolean[] {
  return Array.from({ length: size }, (_, at) =>
    spans.some(({ start, end }) => at >= start && at < end),
  );
}

test('knows which positions it has, however they were added', () => {
  fc.assert(
    fc.property(fc.array(span), (added) => {
      const spans = new ByteSpans(added);
      const has = flags(added);
      const missing = flags(spans.gaps(size));
      expect(missing).toEqual(has.map((flag) => !flag));
      expect(spans.size).toBe(has.filter(Boolean).length);
      expect(spans.prefix).toBe(has.includes(false) ? has.indexOf(false) : size);
      expect(spans.end).toBe(has.lastIndexOf(true) + 1);
    }),
  );
});

test('knows what is missing of a part', () => {
  fc.assert(
    fc.property(fc.array(span), span, (added, part) => {
      const missing = flags(new ByteSpans(added).missingOf(part));
      const has = flags(added);
      const isIn = flags([part]);
      expect(missing).toEqual(has.map((flag, at) => !flag && isIn[at]));
    }),
  );
});

test('has gaps that are sorted, not empty, and do not touch', () => {
  fc.assert(
    fc.property(fc.array(span), (added) => {
      const gaps = new ByteSpans(added).gaps(size);
      expect(gaps.every(({ start, end }) => end > start)).toBe(true);
      expect(gaps.slice(1).every(({ start }, at) => start > (gaps[at]?.end ?? 0))).toBe(true);
    }),
  );
});
