import { parseRepositoryName } from '@oci/spec-types';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { canonicalScopes, repositoryScope } from './scope.js';

test('names a repository and what is done there', () => {
  expect(repositoryScope(parseRepositoryName('a/b'), 'pull', 'push')).toBe(
    'repository:a/b:pull,push',
  );
});

test.each([
  [
    ['repository:b:pull', 'repository:a:pull'],
    ['repository:a:pull', 'repository:b:pull'],
  ],
  [['repository:a:push', 'repository:a:pull'], ['repository:a:pull,push']],
  [['repository:a:pull repository:b:pull'], ['repository:a:pull', 'repository:b:pull']],
  [['repository:host:5000/a:pull'], ['repository:host:5000/a:pull']],
  [['registry:catalog:*'], ['registry:catalog:*']],
  [['', ' '], []],
])('%j is in canonical form %j', (scopes, expected) => {
  expect(canonicalScopes(scopes)).toEqual(expected);
});

test('the canonical form does not depend on the order, and is its own', () => {
  const scope = fc
    .tuple(fc.constantFrom('a', 'b/c'), fc.subarray(['pull', 'push', 'delete'], { minLength: 1 }))
    .map(([name, actions]) => `repository:${name}:${actions.join(',')}`);
  fc.assert(
    fc.property(fc.array(scope), (scopes) => {
      const canonical = canonicalScopes(scopes);
      expect(canonicalScopes([...scopes].reverse())).toEqual(canonical);
      expect(canonicalScopes(canonical)).toEqual(canonical);
    }),
  );
});
