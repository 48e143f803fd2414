import { expect, test } from 'vitest';

import { isNotModified, isRangeWanted, refuseStale } from './precondition.js';

const current = '"sha256:a"';

function isRefused(headers: Record<string, string>, etag: string | undefined): boolean {
  try {
    refuseStale(headers, etag);
    return false;
  } catch (error) {
    return (error as { status: number }).status === 412;
  }
}

test.each<[Record<string, string>, string | undefined, boolean]>([
  [{}, current, false],
  [{}, undefined, false],
  [{ 'if-match': current }, current, false],
  [{ 'if-match': `"x", ${current}` }, current, false],
  [{ 'if-match': '*' }, current, false],
  [{ 'if-match': '*' }, undefined, true],
  [{ 'if-match': '"sha256:b"' }, current, true],
  [{ 'if-match': `W/${current}` }, current, true],
  [{ 'if-match': 'sha256:a' }, current, true],
  [{ 'if-match': '' }, current, true],
  [{ 'if-none-match': '*' }, current, true],
  [{ 'if-none-match': '*' }, undefined, false],
  [{ 'if-none-match': `W/${current}` }, current, true],
  [{ 'if-none-match': '"sha256:b"' }, current, false],
])('a change with %j of %j is refused: %j', (headers, etag, refused) => {
  expect(isRefused(headers, etag)).toBe(refused);
});

test.each<[Record<string, string>, boolean]>([
  [{}, false],
  [{ 'if-none-match': current }, true],
  [{ 'if-none-match': `"x" , W/${current}` }, true],
  [{ 'if-none-match': '*' }, true],
  [{ 'if-none-match': '"x"' }, false],
])('a reader with %j has it: %j', (headers, has) => {
  expect(isNotModified(headers, current)).toBe(has);
});

test('a reader of another state than the current one is refused', () => {
  expect(() => isNotModified({ 'if-match': '"x"' }, current)).toThrow(/"sha256:a" now/);
});

test.each<[Record<string, string>, boolean]>([
  [{}, true],
  [{ 'if-range': current }, true],
  [{ 'if-range': `W/${current}` }, false],
  [{ 'if-range': '"x"' }, false],
  [{ 'if-range': 'Sun, 29 Nov 2026 10:00:00 GMT' }, false],
])('a reader with %j gets a part: %j', (headers, part) => {
  expect(isRangeWanted(headers, current)).toBe(part);
});
