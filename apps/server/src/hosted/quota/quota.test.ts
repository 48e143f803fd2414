import { parseRepositoryName } from '@oci/spec-types';
import { expect, test } from 'vitest';

import { limitedNamespaceOf } from './quota.js';

const quotas = [
  { namespace: '*', maxBytes: 1 },
  { namespace: 'team', maxBytes: 2 },
  { namespace: 'team/*', maxBytes: 3 },
  { namespace: '*/ci', maxBytes: 4 },
  { namespace: 'team/ci', maxBytes: 5 },
];

test.each([
  ['other', 'other', 1],
  ['other/a/b', 'other', 1],
  ['team', 'team', 2],
  ['teams/a', 'teams', 1],
  ['team/a', 'team/a', 3],
  ['team/a/b', 'team/a', 3],
  ['team/ci', 'team/ci', 5],
  ['team/ci/x', 'team/ci', 5],
  ['other/ci', 'other/ci', 4],
])('%s is counted in %s, by the most specific quota', (repository, namespace, maxBytes) => {
  const name = parseRepositoryName(repository);
  for (const given of [quotas, quotas.toReversed()])
    expect(limitedNamespaceOf(given, name)).toEqual({
      name: namespace,
      maxBytes,
      repository: name,
    });
});

test('a component is compared as a whole, and nothing is counted where no quota matches', () => {
  const only = [{ namespace: 'team/a', maxBytes: 1 }];
  for (const repository of ['team', 'team/ab', 'team/b/a', 'a'])
    expect(limitedNamespaceOf(only, parseRepositoryName(repository))).toBeUndefined();
});
