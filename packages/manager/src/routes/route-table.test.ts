import { type RepositoryName, parseRepositoryName } from '@oci/spec-types';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { matchesPattern, parseRoutePattern } from './route-pattern.js';
import { type RouteOptions, RouteTable } from './route-table.js';

const registryUrl = 'https://default.example';
const name = parseRepositoryName;
const table = (routes: Record<string, string>, options: Partial<RouteOptions> = {}): RouteTable =>
  new RouteTable({ registryUrl, routes, ...options });

/** Few letters, so that names and patterns meet. */
const component = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 2 });
const pattern = fc
  .array(
    fc.oneof(
      component,
      component.map((text) => `${text}*`),
      fc.constant('*'),
    ),
    { minLength: 1, maxLength: 3 },
  )
  .map((parts) => parts.join('/'));

describe('the registry of a name', () => {
  const routes = table({
    kcl: 'kcl.example',
    'kcl/team-*': 'http://team.example:5000',
    'kcl/team-a': 'a.example',
  });

  it.each([
    ['kcl/core', 'kcl.example', 'kcl'],
    ['kcl/team-b', 'team.example:5000', 'kcl/team-*'],
    ['kcl/team-a', 'a.example', 'kcl/team-a'],
    ['kcl/team-a/net', 'a.example', 'kcl/team-a'],
    ['extensions/taskserv/kubernetes', 'default.example', undefined],
  ])('%s is of %s', (repository, registry, pattern) => {
    expect(routes.of(name(repository))).toMatchObject({ registry, pattern });
    expect(routes.isOf(registry as never, name(repository))).toBe(true);
    expect(routes.isOf('other.example' as never, name(repository))).toBe(false);
  });

  it('has what the address was written as', () => {
    expect(routes.of(name('kcl/team-b')).address).toBe('http://team.example:5000');
    expect(routes.addressOf('team.example:5000')).toBe('http://team.example:5000');
    expect(routes.addressOf('Team.Example:5000')).toBe('http://team.example:5000');
    expect(routes.addressOf('https://team.example:5000')).toBe('https://team.example:5000');
    expect(routes.addressOf('unknown.example')).toBe('unknown.example');
  });

  it('tells every route that is for a name, the one that decides first', () => {
    const patterns = routes.matching(name('kcl/team-a')).map(({ pattern }) => pattern);
    expect(patterns).toEqual(['kcl/team-a', 'kcl/team-*', 'kcl']);
  });

  it('is refused without a route where names need one', () => {
    const strict = table({ kcl: 'kcl.example' }, { routesOnly: true });
    const refused = expect.objectContaining({
      code: 'POLICY_REFUSED',
      message: expect.stringContaining('team/tool'),
      hint: expect.stringContaining('route'),
    });
    expect(() => strict.of(name('team/tool'))).toThrow(refused);
    expect(() => strict.below(name('team/tool'))).toThrow(refused);
    expect(strict.isOf('default.example' as never, name('team/tool'))).toBe(false);
    expect(strict.of(name('kcl/core')).registry).toBe('kcl.example');
  });
});

describe('the registries below a namespace', () => {
  const hosts = (routes: RouteTable, namespace: string): readonly string[] =>
    routes.below(name(namespace)).map(({ registry }) => registry);

  it('are those of its routes and the default', () => {
    const routes = table({ 'kcl/team-*': 'team.example', other: 'other.example' });
    expect(hosts(routes, 'kcl')).toEqual(['team.example', 'default.example']);
    expect(hosts(routes, 'other')).toEqual(['other.example']);
    expect(hosts(routes, 'third')).toEqual(['default.example']);
  });

  it('are without one that owns nothing there', () => {
    const routes = table({ kcl: 'kcl.example', '*/team-*': 'team.example' });
    expect(hosts(routes, 'kcl')).toEqual(['kcl.example']);
    expect(hosts(routes, 'kcl/deep')).toEqual(['kcl.example']);
  });

  it('are named once each', () => {
    const routes = table({ 'kcl/a': 'one.example', 'kcl/b': 'https://one.example' });
    expect(hosts(routes, 'kcl')).toEqual(['one.example', 'default.example']);
  });
});

describe('a table', () => {
  it.each([
    [{ 'kcl/**': 'a.example' }, 'REFERENCE_INVALID'],
    [{ kcl: 'https://a.example/path' }, 'REFERENCE_INVALID'],
    [{ kcl: '' }, 'REFERENCE_INVALID'],
    [{ kcl: 'http://default.example' }, 'USAGE'],
    [{ kcl: 'http://a.example', team: 'https://a.example' }, 'USAGE'],
    [
      Object.fromEntries(Array.from({ length: 1001 }, (_, at) => [`a${at}`, 'a.example'])),
      'LIMIT_EXCEEDED',
    ],
  ])('%j is refused: %s', (routes, code) => {
    expect(() => table(routes)).toThrow(expect.objectContaining({ code }));
  });

  it('says the same whatever the order in which it is written', () => {
    const repository = fc
      .array(component, { minLength: 1, maxLength: 4 })
      .map((parts) => parts.join('/') as RepositoryName);
    const entries = fc.uniqueArray(pattern, { maxLength: 8 });
    fc.assert(
      fc.property(entries, repository, fc.infiniteStream(fc.nat()), (all, wanted, keys) => {
        const routes = all.map((text, at) => [text, `r${at}.example`] as const);
        const shuffled = routes
          .map((route) => ({ route, key: keys.next().value }))
          .sort((a, b) => a.key - b.key)
          .map(({ route }) => route);
        const found = table(Object.fromEntries(routes)).of(wanted);
        expect(table(Object.fromEntries(shuffled)).of(wanted)).toEqual(found);
        const matching = all.filter((text) => matchesPattern(parseRoutePattern(text), wanted));
        // Exactly one decides, the default only where none is for the name.
        const candidates: readonly (string | undefined)[] =
          matching.length === 0 ? [undefined] : matching;
        expect(candidates).toContain(found.pattern);
      }),
    );
  });

  it('lists a name of a namespace from the registry that it belongs to', () => {
    const path = fc
      .array(component, { minLength: 1, maxLength: 2 })
      .map((parts) => parts.join('/'));
    fc.assert(
      fc.property(fc.uniqueArray(pattern, { maxLength: 8 }), path, path, (all, namespace, rest) => {
        const routes = table(Object.fromEntries(all.map((text, at) => [text, `r${at}.example`])));
        const { registry } = routes.of(name(`${namespace}/${rest}`));
        expect(routes.below(name(namespace)).map((route) => route.registry)).toContain(registry);
      }),
    );
  });
});
