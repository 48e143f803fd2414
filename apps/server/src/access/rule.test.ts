import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { type Caller, anonymous } from './caller.js';
import { type Action, type Rule, permits, permitsWithin } from './rule.js';

const named = (...names: string[]): Caller => ({ ...anonymous, subject: names[0] ?? '', names });
const ci = named('token:ci');
const alice = named('user:/alice', 'group:/dev');
const rule = (who: string, namespace: string, ...actions: Action[]): Rule => ({
  who: [who],
  namespaces: [namespace],
  actions,
});

describe('a rule', () => {
  test.each<[Rule, Caller, Action, string | undefined, boolean]>([
    [rule('token:ci', 'kcl', 'pull'), ci, 'pull', 'kcl/a', true],
    [rule('token:ci', 'kcl', 'pull'), ci, 'pull', 'kcl', true],
    [rule('token:ci', 'kcl', 'pull'), ci, 'pull', 'kcl/a/b', true],
    [rule('token:ci', 'kcl', 'pull'), ci, 'pull', 'kclx/a', false],
    [rule('token:ci', 'kcl/a', 'pull'), ci, 'pull', 'kcl', false],
    [rule('token:ci', 'kcl', 'pull'), ci, 'push', 'kcl/a', false],
    [rule('token:ci', 'kcl', 'pull'), alice, 'pull', 'kcl/a', false],
    [rule('token:*', 'kcl', 'pull'), ci, 'pull', 'kcl/a', true],
    [rule('group:/dev', '*', 'push'), alice, 'push', 'x/y', true],
    [rule('group:/dev', '*', 'push'), ci, 'push', 'x/y', false],
    [rule('authenticated', '*', 'pull'), ci, 'pull', 'x', true],
    [rule('authenticated', '*', 'pull'), anonymous, 'pull', 'x', false],
    [rule('anyone', '*', 'pull'), anonymous, 'pull', 'x', true],
    [rule('anyone', 'team-*/app', 'pull'), anonymous, 'pull', 'team-1/app/x', true],
    [rule('anyone', 'team-*/app', 'pull'), anonymous, 'pull', 'team-1/other', false],
    [rule('anyone', 'team-*/app', 'pull'), anonymous, 'pull', 'team-1', false],
    [rule('anyone', '*', 'observe'), anonymous, 'observe', undefined, true],
    [rule('anyone', 'kcl', 'observe'), anonymous, 'observe', undefined, false],
  ])('%j: %j may %s %s: %s', (one, caller, action, repository, expected) => {
    expect(permits([one], caller, { action, repository })).toBe(expected);
  });

  test.each<[string, string, boolean]>([
    ['kcl', 'kcl', true],
    ['kcl/a', 'kcl', true],
    ['kcl', 'kcl/a', true],
    ['kcl/b', 'kcl/a', false],
    ['*', 'any/thing', true],
    ['other', 'kcl', false],
  ])('on %s lets something of %s be listed: %s', (pattern, namespace, expected) => {
    const list = rule('anyone', pattern, 'list');
    expect(permitsWithin([list], anonymous, { action: 'list', namespace })).toBe(expected);
  });

  test('a star stands for any text, and a pattern without one for itself alone', () => {
    const text = fc.stringMatching(/^[a-z0-9-]{1,12}$/);
    fc.assert(
      fc.property(text, text, text, (a, b, c) => {
        const may = (namespace: string): boolean =>
          permits([rule('anyone', namespace, 'pull')], anonymous, {
            action: 'pull',
            repository: a + b + c,
          });
        expect(may(`${a}*${c}`)).toBe(true);
        expect(may(`*${b}*`)).toBe(true);
        expect(may(a)).toBe(b + c === '');
        expect(may(`${a}${b}${c}x*`)).toBe(false);
      }),
    );
  });
});
