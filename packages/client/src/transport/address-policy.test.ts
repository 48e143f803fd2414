import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';

import fc from 'fast-check';
import { expect, test } from 'vitest';

import { isInternalAddress, publicLookup, refuseUnsafeHop } from './address-policy.js';

function vectors(name: string): readonly string[] {
  const file = new URL(`../../../../test-vectors/${name}.txt`, import.meta.url);
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '' && !line.startsWith('#'));
}

test.each(vectors('address-internal'))('%s is internal', (address) => {
  expect(isInternalAddress(address)).toBe(true);
});

test.each(vectors('address-public'))('%s is public', (address) => {
  expect(isInternalAddress(address)).toBe(false);
});

test('an IPv4 address means the same when it is written as IPv6', () => {
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      fc.pre(isIP(address) === 4);
      expect(isInternalAddress(`::ffff:${address}`)).toBe(isInternalAddress(address));
    }),
  );
});

test.each([
  ['https://8.8.8.5', 'http://8.8.8.6/x'],
  ['https://8.8.8.5', 'https://169.254.169.254/latest'],
  ['https://8.8.8.5', 'https://0.0.0.0/x'],
  ['https://8.8.8.5', 'https://[::ffff:127.0.0.1]/x'],
  ['https://8.8.8.5', 'https://0x7f000001/x'],
  ['https://8.8.8.5', 'https://017700000001/x'],
  ['https://8.8.8.5', 'gopher://8.8.8.5/x'],
])('%s must not name %s as a Location (ggcr #2295, GHSA-jxpm-75mh-9fp7)', (from, to) => {
  expect(() => refuseUnsafeHop(new URL(from), new URL(to))).toThrow(
    expect.objectContaining({ code: 'POLICY_REFUSED' }),
  );
});

test('a name is refused when it is connected to, if it resolves to an internal address', async () => {
  for (const all of [true, false]) {
    const failure = await new Promise((resolve) => {
      publicLookup('localhost', { all }, (error) => resolve(error));
    });
    expect(failure).toMatchObject({
      code: 'POLICY_REFUSED',
      message: expect.stringMatching(/localhost is at the internal address (127\.0\.0\.1|::1)/),
    });
  }
});
