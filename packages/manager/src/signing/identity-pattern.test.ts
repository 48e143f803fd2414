import fc from 'fast-check';
import { expect, test } from 'vitest';

import { checkIdentity, matchesIdentity } from './identity-pattern.js';

const segment = fc.stringMatching(/^[a-z.:-]{1,6}$/);
const identity = fc
  .array(fc.tuple(segment, fc.constantFrom('/', '@')), { minLength: 2, maxLength: 5 })
  .map((parts) => parts.map(([text, sign]) => `${text}${sign}`).join('') + 'end');

test('a pattern is of an identity whose segments it names or leaves open, and of no longer one', () => {
  fc.assert(
    fc.property(identity, fc.nat(), (text, at) => {
      const segments = text.split(/(?<=[/@])|(?=[/@])/);
      const open = segments.map((one, place) =>
        place === (at % 2) * 2 && !/[/@]/.test(one) ? '*' : one,
      );
      const pattern = open.join('');
      checkIdentity(pattern);
      expect(matchesIdentity(pattern, text)).toBe(true);
      expect(matchesIdentity(pattern, `${text}/more`)).toBe(false);
      expect(matchesIdentity(pattern, `more/${text}`)).toBe(false);
      expect(matchesIdentity(text, text)).toBe(true);
    }),
  );
});

test('a star stands for one segment that is not empty', () => {
  expect(matchesIdentity('*@team.example', 'ann@team.example')).toBe(true);
  expect(matchesIdentity('*@team.example', '@team.example')).toBe(false);
  expect(matchesIdentity('*@team.example', 'ann@evil.example@team.example')).toBe(false);
  expect(matchesIdentity('*@team.example', 'ann/team.example')).toBe(false);
});
