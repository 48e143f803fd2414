import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { vectors } from '../test-vectors.js';
import { isBookkeepingTag, isDigest, isTag, parseDigest, referrersTag } from './index.js';

const hex = 'ab'.repeat(32);

test.each(vectors('referrers-tag'))('the referrers of %s are listed under %s', (digest, tag) => {
  expect(referrersTag(parseDigest(digest ?? ''))).toBe(tag);
});

test('what lists the referrers of any digest is a tag', () => {
  const digest = fc.stringMatching(
    /^[a-z0-9]{1,40}([+._-][a-z0-9]{1,9}){0,3}:[a-zA-Z0-9=_-]{1,120}$/,
  );
  fc.assert(
    fc.property(digest.filter(isDigest), (text) => {
      expect(isTag(referrersTag(text))).toBe(true);
    }),
  );
});

test.each([
  `sha256-${hex}`,
  `sha512-${hex}`,
  `sha512-${hex}${hex}`,
  `sha256-${hex}.sig`,
  `sha256-${hex}.att`,
  `sha256-${hex}.sbom`,
])('%s is no version', (tag) => {
  expect(isBookkeepingTag(tag)).toBe(true);
});

test.each([
  'latest',
  '1.0.0',
  'sha256-abc',
  `sha256-${hex}x`,
  `a-sha256-${hex}`,
  `sha256-${hex}.sig2`,
  `sha256-${hex}\n`,
])('%j is a version', (tag) => {
  expect(isBookkeepingTag(tag)).toBe(false);
});
