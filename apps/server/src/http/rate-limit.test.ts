import { expect, test } from 'vitest';

import { RateLimit, callerKey, networkOf } from './rate-limit.js';

test('gives what is left at once, then says how long to wait', () => {
  const limit = new RateLimit({ perSecond: 2, burst: 3 });
  expect([1, 2, 3].map(() => limit.take('a', 0))).toEqual([0, 0, 0]);
  expect(limit.take('a', 0)).toBe(1);
  expect(limit.take('b', 0)).toBe(0);
  expect(limit.take('a', 500)).toBe(0);
  expect(limit.take('a', 500)).toBe(1);
  expect([1, 2, 3].map(() => limit.take('a', 60_000))).toEqual([0, 0, 0]);
});

test('forgets who was quiet for longest, however many there are', () => {
  const limit = new RateLimit({ perSecond: 1, burst: 1 });
  limit.take('first', 0);
  for (let at = 0; at < 10_000; at += 1) limit.take(`client ${at}`, 0);
  expect(limit.take('first', 0)).toBe(0);
});

test('says how long to wait, and takes nothing', () => {
  const limit = new RateLimit({ perSecond: 1, burst: 1 });
  expect([limit.wait('a', 0), limit.wait('a', 0), limit.take('a', 0)]).toEqual([0, 0, 0]);
  expect([limit.wait('a', 0), limit.wait('a', 500), limit.wait('a', 1000)]).toEqual([1, 1, 0]);
});

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['2001:db8:0:0:ffff::7', '2001:db8:0:0::/64'],
  ['2001:0db8:0000:0001:1:2:3:4', '2001:db8:0:1::/64'],
  ['::1', '0:0:0:0::/64'],
  ['unknown', 'unknown'],
])('%s is counted as %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});

test.each([
  ['anonymous', '2001:db8:0:0::/64'],
  ['token:ci', 'token:ci'],
])('%s at an address of IPv6 is counted as %s', (identity, key) => {
  expect(callerKey(identity, '2001:db8::1')).toBe(key);
});
