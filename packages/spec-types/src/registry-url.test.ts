import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { vectors } from '../test-vectors.js';
import {
  type RepositoryName,
  isRepositoryName,
  isTag,
  parseDigest,
  parseRepositoryName,
} from './index.js';
import { type RegistryRoute, parseRegistryPath, registryPaths } from './registry-api.js';

test.each(vectors('registry-path'))('%j is %s %s %s', (path, endpoint, ...rest) => {
  expect(summary(parseRegistryPath(path ?? ''))).toEqual([endpoint, ...rest]);
});

function summary(route: RegistryRoute | undefined): readonly string[] {
  if (route === undefined) return ['none'];
  if (route.endpoint === 'invalid') return ['invalid', route.code];
  const { endpoint, ...rest } = route;
  return [
    endpoint,
    ...Object.values(rest).flatMap((value) =>
      typeof value === 'string' ? value : Object.values<string>(value),
    ),
  ];
}

describe('what registryPaths builds, parseRegistryPath reads back', () => {
  // Components that are also words of the URLs come often.
  const component = fc.oneof(
    fc.constantFrom('blobs', 'uploads', 'manifests', 'tags', 'list', 'referrers', 'v2'),
    fc.stringMatching(/^[a-z0-9]{1,6}([._-][a-z0-9]{1,6}){0,1}$/),
  );
  const name = fc
    .array(component, { minLength: 1, maxLength: 5 })
    .map((parts) => parts.join('/'))
    .filter(isRepositoryName);
  const digest = fc.stringMatching(/^[a-f0-9]{64}$/).map((hex) => parseDigest(`sha256:${hex}`));
  const tag = fc
    .oneof(
      fc.constantFrom('list', 'uploads', 'latest', 'sha256'),
      fc.stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,10}$/),
    )
    .filter(isTag);
  const session = fc.oneof(
    fc.constantFrom('uploads', 'list'),
    fc.uuid(),
    fc.stringMatching(/^[a-zA-Z0-9_-]{1,40}$/),
  );
  const pathOf = (url: string): string => new URL(url, 'http://registry.example').pathname;

  const routes: readonly [string, fc.Arbitrary<[url: string, expected: RegistryRoute]>][] = [
    [
      'tags',
      name.map((n) => [registryPaths.tags(n, { n: 5, last: 'x' }), { endpoint: 'tags', name: n }]),
    ],
    [
      'manifest by tag',
      fc
        .tuple(name, tag)
        .map(([n, t]) => [
          registryPaths.manifest(n, t),
          { endpoint: 'manifest', name: n, reference: { tag: t } },
        ]),
    ],
    [
      'manifest by digest',
      fc
        .tuple(name, digest)
        .map(([n, d]) => [
          registryPaths.manifest(n, d),
          { endpoint: 'manifest', name: n, reference: { digest: d } },
        ]),
    ],
    [
      'blob',
      fc
        .tuple(name, digest)
        .map(([n, d]) => [registryPaths.blob(n, d), { endpoint: 'blob', name: n, digest: d }]),
    ],
    [
      'uploads',
      fc
        .tuple(name, digest)
        .map(([n, mount]) => [
          registryPaths.uploads(n, { mount, from: n }),
          { endpoint: 'uploads', name: n },
        ]),
    ],
    [
      'upload',
      fc
        .tuple(name, session)
        .map(([n, s]) => [registryPaths.upload(n, s), { endpoint: 'upload', name: n, session: s }]),
    ],
    [
      'referrers',
      fc
        .tuple(name, digest)
        .map(([n, d]) => [
          registryPaths.referrers(n, d, { artifactType: 'a/b+c' }),
          { endpoint: 'referrers', name: n, digest: d },
        ]),
    ],
  ];

  test.each(routes)('%s', (_endpoint, route) => {
    fc.assert(
      fc.property(route, ([url, expected]) => {
        expect(parseRegistryPath(pathOf(url))).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  test('base and catalog', () => {
    expect(parseRegistryPath(registryPaths.base())).toEqual({ endpoint: 'base' });
    expect(parseRegistryPath(pathOf(registryPaths.catalog({ n: 1 })))).toEqual({
      endpoint: 'catalog',
    });
  });

  test('any path gives a route of well-formed identifiers, or none', () => {
    const path = fc
      .array(fc.oneof(component, fc.constantFrom('', '..', '%2e', 'A', '_catalog', 'sha256:x')), {
        maxLength: 6,
      })
      .map((parts) => `/v2/${parts.join('/')}`);
    fc.assert(
      fc.property(path, (text) => {
        const route = parseRegistryPath(text);
        expect(route === undefined || !('name' in route) || isRepositoryName(route.name)).toBe(
          true,
        );
      }),
    );
  });
});

describe('queries', () => {
  const name: RepositoryName = parseRepositoryName('a/b');
  const digest = parseDigest(`sha256:${'0'.repeat(64)}`);

  test.each([
    [registryPaths.tags(name), '/v2/a/b/tags/list'],
    [registryPaths.tags(name, { n: 0 }), '/v2/a/b/tags/list?n=0'],
    [
      registryPaths.tags(name, { n: 10, last: '1.0&n=2' }),
      '/v2/a/b/tags/list?n=10&last=1.0%26n%3D2',
    ],
    [registryPaths.catalog(), '/v2/_catalog'],
    [registryPaths.uploads(name), '/v2/a/b/blobs/uploads/'],
    [
      registryPaths.referrers(name, digest, { artifactType: 'a/b+c' }),
      `/v2/a/b/referrers/${digest}?artifactType=a%2Fb%2Bc`,
    ],
  ])('%s', (url, expected) => {
    expect(url).toBe(expected);
  });
});

test('a path of 64 KiB is judged at once', () => {
  const path = `/v2/${'a/tags/list/blobs/manifests/'.repeat(2340)}`;
  expect(parseRegistryPath(path)).toBeUndefined();
});
