import fc from 'fast-check';
import { expect, test } from 'vitest';

import { parseChallenges } from './challenge.js';

const bearer = (parameters: Record<string, string>) => ({ scheme: 'bearer', parameters });

test.each([
  [
    'Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull"',
    [
      bearer({
        realm: 'https://auth.example/token',
        service: 'registry.example',
        scope: 'repository:a/b:pull',
      }),
    ],
  ],
  ['Basic realm="a, b"', [{ scheme: 'basic', parameters: { realm: 'a, b' } }]],
  ['Basic', [{ scheme: 'basic', parameters: {} }]],
  ['BEARER Realm=x', [bearer({ realm: 'x' })]],
  ['Bearer realm = "x" , service = y', [bearer({ realm: 'x', service: 'y' })]],
  [String.raw`Bearer realm="a\"b\\c"`, [bearer({ realm: 'a"b\\c' })]],
  ['Bearer realm="x",realm="y"', [bearer({ realm: 'x' })]],
  [
    'Negotiate, Basic realm="x", Bearer realm="y",service="z"',
    [
      { scheme: 'negotiate', parameters: {} },
      { scheme: 'basic', parameters: { realm: 'x' } },
      bearer({ realm: 'y', service: 'z' }),
    ],
  ],
  [
    'Negotiate dG9rZW4=, Basic realm=x',
    [
      { scheme: 'negotiate', parameters: {} },
      { scheme: 'basic', parameters: { realm: 'x' } },
    ],
  ],
  ['', []],
  ['"', []],
  ['=', []],
  ['Bearer realm="unfinished', [bearer({})]],
])('reads %j', (line, expected) => {
  expect(parseChallenges([line])).toEqual(expected);
});

test('reads the challenges of several lines', () => {
  expect(parseChallenges(['Basic realm=a', 'Bearer realm=b'])).toHaveLength(2);
});

test('ends on any text, however it is made', () => {
  const pieces = fc.constantFrom('Bearer ', 'realm=', '"', '\\', ',', ' ', '=', 'x', 'Basic', '\t');
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(pieces).map((parts) => parts.join('')),
      ),
      (line) => {
        for (const { scheme } of parseChallenges([line])) expect(scheme).not.toBe('');
      },
    ),
  );
  expect(parseChallenges([`Bearer realm="${'\\'.repeat(100_000)}`])).toHaveLength(1);
});
