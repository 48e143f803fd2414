import { describe, expect, test } from 'vitest';

import { Access } from './access.js';
import { qualifyRules } from './qualified-rules.js';

const rule = (...who: string[]) => ({ who, namespaces: ['*'], actions: ['pull'] as const });
const who = (name: string, ...issuers: (string | undefined)[]): string | undefined =>
  qualifyRules([rule(name)], issuers)[0]?.who[0];

describe('users and groups', () => {
  test('of the only issuer have short names, whether it has a name or not', () => {
    expect(who('user:dev', undefined)).toBe('user:/dev');
    expect(who('group:a/b', undefined)).toBe('group:/a/b');
    expect(who('user:dev', 'company')).toBe('user:company/dev');
    expect(who('user:company/dev', 'company')).toBe('user:company/dev');
    expect(who('user:*', undefined)).toBe('user:/*');
  });

  test('of two issuers are named with theirs', () => {
    expect(who('user:company/dev', 'company', 'other')).toBe('user:company/dev');
    expect(who('group:other/dev', 'company', 'other')).toBe('group:other/dev');
    expect(who('token:dev', 'company', 'other')).toBe('token:dev');
  });

  test.each(['user:dev', 'group:platform', 'user:*', 'user:compan*/dev', 'user:*/dev'])(
    '%s is refused where two issuers could hand it out',
    (name) => {
      expect(() => who(name, 'company', 'other')).toThrow(
        expect.objectContaining({
          code: 'CONFIG_INVALID',
          hint: expect.stringMatching('company/'),
        }),
      );
    },
  );

  test('are refused where one of two issuers has no name', () => {
    const issuer = (url: string, name?: string) => ({ issuer: url, audience: 'x', name });
    const issuers = [issuer('https://a.example', 'a'), issuer('https://b.example')];
    expect(() => new Access({ issuers, rules: [rule('anyone')] })).toThrow(/has no name/);
  });
});
