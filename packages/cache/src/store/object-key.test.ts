import fc from 'fast-check';
import { expect, test } from 'vitest';

import { decodeSegment, encodeSegment, isObjectKey } from './object-key.js';

const anyText = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 });

test('any text becomes a segment of a key, and comes back', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const segment = encodeSegment(text);
      expect(isObjectKey(segment)).toBe(true);
      expect(segment).not.toContain('/');
      expect(decodeSegment(segment)).toBe(Buffer.from(text, 'utf8').toString('utf8'));
    }),
  );
});

test('texts that differ only in case have segments that differ on every file system', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const [upper, lower] = [text.toUpperCase(), text.toLowerCase()].map(encodeSegment);
      expect(upper?.toLowerCase() === lower?.toLowerCase()).toBe(
        text.toUpperCase() === text.toLowerCase(),
      );
    }),
  );
});

test.each(['a', 'a/b.json', 'sha256/00ff', '_tags/v1=2e0.json', '=2e'])('%j is a key', (key) => {
  expect(isObjectKey(key)).toBe(true);
});

test.each(['', '.', '..', '.hidden', 'a/.hidden', 'a/../b', '/a', 'a/', 'a\\b', 'a'.repeat(256)])(
  '%j is no key',
  (key) => {
    expect(isObjectKey(key)).toBe(false);
  },
);
