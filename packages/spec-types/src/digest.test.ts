import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { texts } from '../test-vectors.js';
import {
  digestAlgorithm,
  digestEncoded,
  isDigest,
  isOciError,
  parseDigest,
  verifiableAlgorithm,
} from './index.js';

const hex = 'ab'.repeat(32);

test.each(texts('digest-valid'))('%j is a digest', (text) => {
  expect(isDigest(text)).toBe(true);
  const digest = parseDigest(text);
  expect(`${digestAlgorithm(digest)}:${digestEncoded(digest)}`).toBe(text);
});

test.each(texts('digest-invalid'))('%j is no digest', (text) => {
  expect(isDigest(text)).toBe(false);
  expect(() => parseDigest(text)).toThrow(expect.objectContaining({ code: 'DIGEST_INVALID' }));
});

test('a digest holds nothing that leaves a directory or a path component', () => {
  const text = fc.string({ unit: fc.constantFrom(...'abAB01:/\\.%_-+=?#@ \0\n'.split('')) });
  fc.assert(
    fc.property(text, (candidate) => {
      const safe = /^[a-z0-9+._-]+:[a-zA-Z0-9=_-]+$/.test(candidate);
      expect(safe || !isDigest(candidate)).toBe(true);
    }),
    { examples: [['sha256:../../x'], ['a:b/c'], ['a:b\n']] },
  );
});

test('the error shows the beginning of a long text only, and what a digest looks like', () => {
  const error = caught(() => parseDigest(`x:${'/'.repeat(100_000)}`));
  expect(isOciError(error, 'DIGEST_INVALID') && error.hint).toContain('sha256:');
  expect(String(error).length).toBeLessThan(300);
});

describe('verifiableAlgorithm', () => {
  test.each([
    [`sha256:${hex}`, 'sha256'],
    [`sha512:${hex}${hex}`, 'sha512'],
  ])('of %s is %s', (text, algorithm) => {
    expect(verifiableAlgorithm(parseDigest(text))).toBe(algorithm);
  });

  test.each([`blake3:${hex}`, 'md5:d41d8cd98f00b204e9800998ecf8427e', 'constructor:abc'])(
    'refuses %s, since content could not be checked',
    (text) => {
      expect(() => verifiableAlgorithm(parseDigest(text))).toThrow(
        expect.objectContaining({ code: 'DIGEST_UNSUPPORTED' }),
      );
    },
  );
});

function caught(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
