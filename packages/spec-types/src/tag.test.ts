import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { texts } from '../test-vectors.js';
import { isTag, parseTag, tagOfVersion, versionOfTag } from './index.js';

test.each(texts('tag-valid'))('%j is a tag', (text) => {
  expect(isTag(text)).toBe(true);
  expect(parseTag(text)).toBe(text);
});

test.each(texts('tag-invalid'))('%j is no tag', (text) => {
  expect(isTag(text)).toBe(false);
  expect(() => parseTag(text)).toThrow(expect.objectContaining({ code: 'REFERENCE_INVALID' }));
});

describe('versions', () => {
  const identifiers = fc
    .array(fc.stringMatching(/^[0-9A-Za-z-]{1,6}$/), { minLength: 1, maxLength: 3 })
    .map((parts) => parts.join('.'));
  const version = fc
    .record({
      v: fc.constantFrom('', 'v'),
      core: fc.tuple(fc.nat(99), fc.nat(99), fc.nat(99)),
      prerelease: fc.option(identifiers),
      build: fc.option(identifiers),
    })
    .map(({ v, core, prerelease, build }) => {
      const suffix = `${prerelease === null ? '' : `-${prerelease}`}${build === null ? '' : `+${build}`}`;
      return `${v}${core.join('.')}${suffix}`;
    });

  test('every semantic version is read back from its tag', () => {
    fc.assert(
      fc.property(version, (text) => {
        expect(versionOfTag(tagOfVersion(text))).toBe(text);
      }),
    );
  });

  test.each([
    ['1.28.0+build.5', '1.28.0_build.5'],
    ['1.0.0-rc.1+a', '1.0.0-rc.1_a'],
    ['latest', 'latest'],
  ])('%s is published as %s', (text, tag) => {
    expect(tagOfVersion(text)).toBe(tag);
  });

  test.each(['my_tag', '_', '1.0_x', 'sha256_abc', '1.0.0_', '1.0.0_a_b'])(
    'the tag %s, which is no version with a build, stays as it is',
    (tag) => {
      expect(versionOfTag(parseTag(tag))).toBe(tag);
    },
  );

  test.each(['', '../1.0.0', '1.0.0 ', '+', '1.0.0+é'])('%j is refused or made a tag', (text) => {
    const result = (() => {
      try {
        return tagOfVersion(text);
      } catch {
        return undefined;
      }
    })();
    expect(result === undefined || isTag(result)).toBe(true);
    expect(result).toBe(text === '+' ? '_' : undefined);
  });
});
