import type { IncomingMessage } from 'node:http';

import { expect, test } from 'vitest';

import { TrustedProxies } from './client-address.js';

const from = (remoteAddress: string, forwarded?: string): IncomingMessage =>
  ({
    socket: { remoteAddress },
    headers: { 'x-forwarded-for': forwarded },
  }) as unknown as IncomingMessage;

test.each<[string, string | undefined, string]>([
  ['10.0.0.1', undefined, '10.0.0.1'],
  ['::ffff:10.0.0.1', '7.7.7.7', '7.7.7.7'],
  ['10.0.0.1', '6.6.6.6, 7.7.7.7', '7.7.7.7'],
  ['10.0.0.1', '6.6.6.6, 7.7.7.7, 10.0.0.9', '7.7.7.7'],
  ['10.0.0.1', '6.6.6.6, nonsense', '10.0.0.1'],
  ['10.0.0.1', '10.0.0.8, 10.0.0.9', '10.0.0.1'],
  ['8.8.8.8', '7.7.7.7', '8.8.8.8'],
  ['fd00::1', '2001:db8::7', '2001:db8::7'],
])('%s that forwards for %s is %s', (peer, forwarded, client) => {
  const proxies = new TrustedProxies(['10.0.0.0/8', 'fd00::/8']);
  expect(proxies.clientOf(from(peer, forwarded))).toBe(client);
});

test('believes nobody when no proxy is named', () => {
  expect(new TrustedProxies([]).clientOf(from('10.0.0.1', '7.7.7.7'))).toBe('10.0.0.1');
});

test.each(['here', '10.0.0.0/40', '10.0.0.0/x', ''])('refuses %j', (entry) => {
  expect(() => new TrustedProxies([entry])).toThrow(/no address or subnet/);
});
