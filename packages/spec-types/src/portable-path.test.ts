import { expect, test } from 'vitest';

import { foldedPath, pathFault } from './portable-path.js';

test.each([
  ['name', 'NAME'],
  ['straße', 'STRASSE'],
  ['STRAẞE', 'strasse'],
  ['ς', 'σ'],
  ['ΟΔΟΣ', 'οδος'],
  ['ﬁ', 'FI'],
  ['K', '\u212a'],
  ['ſ', 'S'],
  ['\u00e9', 'e\u0301'],
  ['\u00c5', '\u212b'],
  ['I', 'ı'],
  ['i', 'İ'],
  ['a\u200db', 'ab'],
  ['ŉ', 'ʼN'],
])('%j and %j are one name on some system (CVE-2026-23950)', (a, b) => {
  expect(foldedPath(a)).toBe(foldedPath(b));
});

test.each([
  ['a', 'b'],
  ['ä', 'a'],
  ['d/a', 'd_a'],
  ['日本', '日木'],
])('%j and %j are two names', (a, b) => {
  expect(foldedPath(a)).not.toBe(foldedPath(b));
});

test('no character escapes its own other cases and normalisations', () => {
  const escaped: string[] = [];
  for (let code = 0; code < 0x11_0000; code += 1) {
    if (code >= 0xd800 && code < 0xe000) continue;
    const character = String.fromCodePoint(code);
    const folded = foldedPath(character);
    const upper = character.toUpperCase();
    const lower = character.toLowerCase();
    const forms = [
      ...(upper === character && lower === character ? [] : [upper, lower]),
      ...(code < 0x80 ? [] : [character.normalize('NFD'), character.normalize('NFKC')]),
    ];
    if (forms.some((form) => form !== character && foldedPath(form) !== folded))
      escaped.push(code.toString(16));
  }
  expect(escaped).toEqual([]);
});

test.each([
  ['/a', 'absolute-path'],
  ['a/../b', 'parent-path'],
  ['a:b', 'forbidden-character'],
  ['a./b', 'trailing-dot'],
  ['a/nul .txt', 'device-name'],
  ['ä'.repeat(128), 'name-length'],
  ['a\ufffd', 'not-utf8'],
  ['a/b.txt', undefined],
])('%j: %s', (path, fault) => {
  expect(pathFault(path)).toBe(fault);
});
