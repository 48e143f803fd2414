import { type RepositoryName, parseRepositoryName } from '@oci/spec-types';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  compareSpecificity,
  matchesBelow,
  matchesPattern,
  parseRoutePattern,
} from './route-pattern.js';

const name = parseRepositoryName;
const matches = (pattern: string, repository: string): boolean =>
  matchesPattern(parseRoutePattern(pattern), name(repository));

describe('a pattern of repositories', () => {
  it.each([
    ['kcl', 'kcl', true],
    ['kcl', 'kcl/core', true],
    ['kcl', 'kcl/team-a/net', true],
    ['kcl', 'kclx/core', false],
    ['kcl', 'other/kcl', false],
    ['kcl/team-*', 'kcl/team-a', true],
    ['kcl/team-*', 'kcl/team-a/net', true],
    ['kcl/team-*', 'kcl/team', false],
    ['kcl/team-*', 'kcl/core/team-a', false],
    ['kcl/*', 'kcl/core', true],
    ['kcl/*', 'kcl', false],
    ['*/taskserv', 'extensions/taskserv/kubernetes', true],
    ['*/taskserv', 'extensions/provider/taskserv', false],
    ['*', 'anything/at/all', true],
    ['kcl/core', 'kcl/core-evil', false],
  ])('%s for %s: %s', (pattern, repository, expected) => {
    expect(matches(pattern, repository)).toBe(expected);
  });

  it.each([
    '',
    '/',
    'kcl/',
    '/kcl',
    'kcl//a',
    'kcl/**',
    'kcl/*-a',
    'k*l',
    'KCL',
    'kcl/.*',
    'a b',
    '..',
    '[a-z]',
    'kcl/team-*:1',
    'a'.repeat(256),
  ])('%j is none', (text) => {
    expect(() => parseRoutePattern(text)).toThrow(
      expect.objectContaining({
        code: 'REFERENCE_INVALID',
        hint: expect.stringContaining('kcl/team-*'),
      }),
    );
  });
});

/** Few letters, so that names and patterns meet. */
const component = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 3 });
const repositories = fc
  .array(component, { minLength: 1, maxLength: 4 })
  .map((parts) => name(parts.join('/')));
const patterns = fc
  .array(
    fc.oneof(
      component,
      component.map((text) => `${text}*`),
      fc.constant('*'),
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((parts) => parseRoutePattern(parts.join('/')));

describe('the order of patterns', () => {
  it('is total, whatever the patterns', () => {
    fc.assert(
      fc.property(patterns, patterns, patterns, (a, b, c) => {
        expect(Math.sign(compareSpecificity(a, b))).toBe(-Math.sign(compareSpecificity(b, a)) + 0);
        expect(compareSpecificity(a, b) === 0).toBe(a.text === b.text);
        const chained = compareSpecificity(a, b) <= 0 && compareSpecificity(b, c) <= 0;
        expect(chained && compareSpecificity(a, c) > 0).toBe(false);
      }),
    );
  });

  it('never leaves the names of one pattern to a wider one', () => {
    fc.assert(
      fc.property(patterns, repositories, (pattern, repository) => {
        fc.pre(matchesPattern(pattern, repository));
        const { text } = pattern;
        const narrower = [
          `${text}/a`,
          text.replace(/\*$/, 'ab'),
          text.replace(/\*$/, 'a*'),
          text.replace('*', 'b'),
        ].filter((other) => other !== text);
        for (const other of narrower)
          expect(compareSpecificity(parseRoutePattern(other), pattern)).toBeLessThan(0);
      }),
    );
  });

  it('decides by the first component in which two patterns of a name differ', () => {
    const before = (first: string, second: string): boolean =>
      compareSpecificity(parseRoutePattern(first), parseRoutePattern(second)) < 0;
    expect(before('kcl/core', 'kcl/co*')).toBe(true);
    expect(before('kcl/cor*', 'kcl/co*')).toBe(true);
    expect(before('kcl/*', 'kcl')).toBe(true);
    expect(before('kcl', '*/core')).toBe(true);
    expect(before('k*', '*/core/net')).toBe(true);
  });
});

describe('what may be below a namespace', () => {
  it('is what matches a repository there', () => {
    fc.assert(
      fc.property(patterns, repositories, repositories, (pattern, namespace, rest) => {
        const below = name(`${namespace}/${rest}`);
        fc.pre(matchesPattern(pattern, below));
        expect(matchesBelow(pattern, namespace)).toBe(true);
      }),
    );
    const below = (pattern: string, namespace: string): boolean =>
      matchesBelow(parseRoutePattern(pattern), namespace as RepositoryName);
    expect(below('kcl/team-*', 'kcl')).toBe(true);
    expect(below('kcl/team-*', 'other')).toBe(false);
    expect(below('kcl', 'kcl/team-a')).toBe(true);
  });
});
