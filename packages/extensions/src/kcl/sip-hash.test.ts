import { expect, test } from 'vitest';

import { sipHash } from './sip-hash.js';

test('of the name of a registry is what the tests of kpm say', () => {
  expect(sipHash(Buffer.from('ghcr.io/kcl-lang'))).toBe('9ebd0ad063dba405');
});

test('of no bytes, and of a part of a word', () => {
  expect(sipHash(new Uint8Array())).toBe('d70077739d4b921e');
  expect(sipHash(Buffer.from('abc'))).not.toBe(sipHash(Buffer.from('abcd')));
});
