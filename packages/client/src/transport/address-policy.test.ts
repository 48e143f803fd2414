import { isIP } from 'node:net';

import fc from 'fast-check';
import { expect, test } from 'vitest';

import { isInternalAddress, publicLookup, refuseUnsafeHop } from './address-policy.js';

test.each([
  '0.0.0.0',
  '10.255.0.1',
  '100.64.0.1',
  '127.0.0.1',
  '169.254.169.254',
  '172.31.255.255',
  '192.168.0.1',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:10.0.0.1',
  '64:ff9b::a00:1',
  '64:ff9b::169.254.169.254',
  '64:ff9b:1::808:808',
  '::127.0.0.1',
  '2002:7f00:1::1',
  '2002:a9fe:a9fe::',
  '2001:0:4136:e378::1',
  'fe80::1%eth0',
  '::ffff:169.254.169.254',
  '0:0:0:0:0:ffff:7f00:1',
  'fc00::1',
  'fdff::1',
  'fe80::1',
  'ff02::1',
])('%s is internal', (address) => {
  expect(isInternalAddress(address)).toBe(true);
});

test.each([
  '8.8.8.8',
  '100.128.0.1',
  '172.32.0.1',
  '2001:4860:4860::8888',
  '::ffff:8.8.8.8',
  '64:ff9b::8.8.8.8',
  '2002:808:808::1',
])('%s is public', (address) => {
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
  ['https://203.0.113.5', 'http://203.0.113.6/x'],
  ['https://203.0.113.5', 'https://169.254.169.254/latest'],
  ['https://203.0.113.5', 'https://0.0.0.0/x'],
  ['https://203.0.113.5', 'https://[::ffff:127.0.0.1]/x'],
  ['https://203.0.113.5', 'https://0x7f000001/x'],
  ['https://203.0.113.5', 'https://017700000001/x'],
  ['https://203.0.113.5', 'gopher://203.0.113.5/x'],
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
