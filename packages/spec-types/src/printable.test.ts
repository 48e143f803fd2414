import fc from 'fast-check';
import { expect, test } from 'vitest';

import { escapeHidden, hasHiddenCharacter, printable, printableJson } from './printable.js';

test.each([
  ['C0', '\u001b', '\\u001b'],
  ['NUL', '\u0000', '\\u0000'],
  ['DEL', '\u007f', '\\u007f'],
  ['C1: the one-character CSI', '\u009b', '\\u009b'],
  ['NEL', '\u0085', '\\u0085'],
  ['a line separator', '\u2028', '\\u2028'],
  ['a paragraph separator', '\u2029', '\\u2029'],
  ['the Arabic letter mark', '\u061c', '\\u061c'],
  ['an override of direction', '\u202e', '\\u202e'],
  ['an isolate', '\u2066', '\\u2066'],
  ['a zero-width space', '\u200b', '\\u200b'],
  ['a zero-width joiner', '\u200d', '\\u200d'],
  ['a byte order mark', '\ufeff', '\\ufeff'],
  ['a soft hyphen', '\u00ad', '\\u00ad'],
  ['a Hangul filler', '\u3164', '\\u3164'],
  ['a tag character', '\u{e0041}', '\\udb40\\udc41'],
  ['a lone surrogate', '\ud800', '\\ud800'],
])('%s is printed escaped', (_, character, text) => {
  expect(printable(`a${character}b`)).toBe(`a${text}b`);
  expect(hasHiddenCharacter(`a${character}b`)).toBe(true);
});

test.each(['plain', 'größe', '日本語', 'e\u0301', '👍🏽', '❤\ufe0f', ' a b '])(
  '%s is printed as it is',
  (text) => {
    expect(printable(text)).toBe(text);
    expect(hasHiddenCharacter(text)).toBe(false);
  },
);

test('a text of several lines is printed on one', () => {
  expect(printable('one\r\n\ttwo')).toBe('one two');
});

test('what a writer means to write stays', () => {
  expect(escapeHidden('a\tb\n\r', '\n\t')).toBe('a\tb\n\\u000d');
});

test('printed text holds no hidden character, and printing it again changes nothing', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const shown = printable(text);
      expect(hasHiddenCharacter(shown)).toBe(false);
      expect(printable(shown)).toBe(shown);
    }),
  );
});

test('printed JSON is one line, holds no hidden character and is the same value', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
      const text = printableJson(value);
      expect(hasHiddenCharacter(text)).toBe(false);
      expect(JSON.stringify(JSON.parse(text))).toBe(JSON.stringify(value));
    }),
  );
});
