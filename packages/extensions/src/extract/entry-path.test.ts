import { posix, win32 } from 'node:path';

import { OciError } from '@oci/spec-types';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { parseEntryPath } from './entry-path.js';

const limits = { pathBytes: 100, depth: 5 };

test.each([
  ['a', ['a']],
  ['a/b.k', ['a', 'b.k']],
  ['./a/./b', ['a', 'b']],
  ['a//b/', ['a', 'b']],
  ['', []],
  ['./', []],
  ['...a', ['...a']],
  ['.hidden', ['.hidden']],
  ['ä/日本', ['ä', '日本']],
  ['console', ['console']],
  ['com10', ['com10']],
])('%j is %j', (path, parts) => {
  expect(parseEntryPath(path, limits)).toEqual(parts);
});

test.each([
  '/etc/passwd',
  '//server/share',
  '..',
  'a/../../b',
  '../a',
  'a/..',
  'a\\..\\b',
  '\\\\server\\share',
  'C:/Windows',
  'c:a',
  'a:stream',
  'a\0b',
  'a\nb',
  'a\u009b2Jb',
  'report\u202egpj.sh',
  'a\u200bb',
  'a?',
  'a*',
  'a"',
  'a<b',
  'a|b',
  'con',
  'CON',
  'a/nul.txt',
  'aux.',
  'COM1',
  'com1.k',
  'LPT9',
  'com\u00b9',
  'CONIN$',
  'nul .txt',
  'a.',
  'a ',
  'a. /b',
])('%j is refused', (path) => {
  expect(() => parseEntryPath(path, limits)).toThrow(
    expect.objectContaining({ code: 'ARCHIVE_UNSAFE', hint: expect.any(String) }),
  );
});

test.each(['a'.repeat(101), 'a/b/c/d/e/f', 'ä'.repeat(51)])('%j is too long or deep', (path) => {
  expect(() => parseEntryPath(path, limits)).toThrow(
    expect.objectContaining({ code: 'LIMIT_EXCEEDED' }),
  );
});

test.each(['a'.repeat(256), 'd/' + 'ä'.repeat(128)])(
  'a name of more than 255 bytes is refused by its rule',
  (path) => {
    const wide = { pathBytes: 4096, depth: 5 };
    expect(() => parseEntryPath(path, wide)).toThrow(/\(rule name-length\)/);
    expect(parseEntryPath(path.slice(0, -1), wide)).toHaveLength(path.split('/').length);
  },
);

function outcome(path: string): readonly string[] | string {
  try {
    return parseEntryPath(path, limits);
  } catch (error) {
    return error instanceof OciError ? error.code : 'a defect';
  }
}

test('what is not refused stays inside, on every system', () => {
  const piece = fc.constantFrom('..', '.', '/', '\\', 'a', 'C:', 'con', ' ', '\0', '~', '%2e');
  const path = fc.oneof(
    fc.string(),
    fc.array(piece).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(path, (text) => {
      const parts = outcome(text);
      const ends = Array.isArray(parts)
        ? [posix.resolve('/root', ...parts), win32.resolve('C:\\root', ...parts)]
        : ['/root', 'C:\\root'];
      expect(ends[0]).toMatch(/^\/root(\/|$)/);
      expect(ends[1]).toMatch(/^C:\\root(\\|$)/);
      expect(parts).not.toBe('a defect');
    }),
  );
});
