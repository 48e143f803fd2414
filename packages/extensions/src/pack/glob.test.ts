import fc from 'fast-check';
import { expect, test } from 'vitest';

import { matchesPattern, matchesWildcard } from './glob.js';

test.each([
  ['a.k', 'a.k', true],
  ['*.k', 'a.k', true],
  ['*.k', 'd/a.k', false],
  ['d/*', 'd/a.k', true],
  ['d/*', 'd/e/a.k', false],
  ['**', 'd/a.k', false],
  ['?', 'a', true],
  ['?', '/', false],
  ['[a-c].k', 'b.k', true],
  ['[^a-c].k', 'b.k', false],
  ['[^a]', '/', false],
  [String.raw`\*`, '*', true],
  [String.raw`\*`, 'a', false],
  [String.raw`[\]]`, ']', true],
  ['a+b', 'a+b', true],
  ['a.k', 'abk', false],
  ['[a', '[a', false],
  ['[]', '', false],
  ['a\\', 'a\\', false],
  ['[z-a]', 'b', false],
  ['[a-]', 'a', false],
  ['[-a]', 'a', false],
  [String.raw`[\-a]`, '-', true],
  ['[a', 'a', false],
  ['a*b*c', 'a1b2b3c', true],
  ['a*/b*', 'a1/b2', true],
  ['a*b*', 'a/b', false],
])('%j matches %j: %s', (pattern, path, expected) => {
  expect(matchesPattern(pattern, path)).toBe(expected);
});

test('no pattern breaks it, and a text without signs matches itself only', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 20 }), fc.string({ maxLength: 20 }), (pattern, path) => {
      expect(typeof matchesPattern(pattern, path)).toBe('boolean');
      fc.pre(!/[*?[\\]/.test(pattern));
      expect(matchesPattern(pattern, path)).toBe(pattern === path);
    }),
  );
});

test('a pattern that would backtrack for ever is decided', () => {
  const path = 'a'.repeat(10_000);
  expect(matchesPattern(`${'*a'.repeat(200)}b`, path)).toBe(false);
  expect(matchesPattern(`${'*?'.repeat(200)}b`, path)).toBe(false);
  expect(matchesWildcard(`${'*a'.repeat(200)}b`, path)).toBe(false);
  expect(matchesPattern('*'.repeat(1025), 'a')).toBe(false);
});

test.each([
  ['*', 'a/b', true],
  ['a*c', 'a/b/c', true],
  ['a*c', 'a/b/d', false],
  ['*ab', 'aab', true],
  ['a?c', 'abc', false],
  ['', '', true],
  ['**', '', true],
])('the wildcard %j matches %j: %s', (pattern, text, expected) => {
  expect(matchesWildcard(pattern, text)).toBe(expected);
});
