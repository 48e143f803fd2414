import type { IncomingMessage } from 'node:http';

import { expect, test } from 'vitest';

import { type ServedNames, refuseForeignPages } from './page-guard.js';
import type { Refusal } from './refusal.js';

const names: ServedNames = {
  listenHost: '127.0.0.1',
  publicUrl: undefined,
  isRestricted: false,
  forwardedHost: undefined,
};

function isRefused(
  host: string,
  change: Partial<ServedNames> = {},
  { method = 'GET', ...headers }: Record<string, string> = {},
): boolean {
  const request = { method, headers: { host, ...headers } } as unknown as IncomingMessage;
  try {
    refuseForeignPages(request, host, { ...names, ...change });
    return false;
  } catch (error) {
    return (
      (error as Refusal).status === 403 && /server.public_url/.test(`${(error as Refusal).hint}`)
    );
  }
}

test.each<[string, Partial<ServedNames>, boolean]>([
  ['localhost:5000', {}, false],
  ['LOCALHOST', {}, false],
  ['localhost.:5000', {}, false],
  ['dev.localhost', {}, false],
  ['127.0.0.1:5000', {}, false],
  ['127.1.2.3', {}, false],
  ['[::1]:5000', {}, false],
  ['attacker.example:5000', {}, true],
  ['localhost.attacker.example', {}, true],
  ['127.0.0.1.attacker.example', {}, true],
  ['10.0.0.8:5000', {}, true],
  ['0.0.0.0:5000', {}, true],
  ['registry', {}, true],
  ['registry.example', { publicUrl: 'https://registry.example:8443/' }, false],
  ['other.example', { publicUrl: 'https://registry.example' }, true],
  ['registry.example', { listenHost: 'registry.example' }, false],
  ['10.0.0.8:5000', { listenHost: '0.0.0.0' }, false],
  ['[fd00::8]:5000', { listenHost: '::' }, false],
  ['registry:5000', { listenHost: '0.0.0.0' }, false],
  ['attacker.example:5000', { listenHost: '0.0.0.0' }, true],
  ['attacker.example:5000', { isRestricted: true }, false],
])('%s with %j: refused %j', (host, change, refused) => {
  expect(isRefused(host, change)).toBe(refused);
});

test.each<[Record<string, string>, boolean]>([
  [{ origin: 'http://localhost:5000' }, false],
  [{ origin: 'https://localhost:5000' }, false],
  [{ origin: 'http://localhost:3000' }, true],
  [{ origin: 'https://attacker.example' }, true],
  [{ origin: 'null' }, true],
  [{ origin: 'http://localhost:5000@attacker.example' }, true],
  [{ 'sec-fetch-site': 'same-origin' }, false],
  [{ 'sec-fetch-site': 'none' }, false],
  [{ 'sec-fetch-site': 'same-site' }, true],
  [{ 'sec-fetch-site': 'cross-site' }, true],
  [{ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }, true],
  [{ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }, false],
  [{ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', method: 'POST' }, true],
])('a request of a page with %j: refused %j, with rules and without', (headers, refused) => {
  for (const isRestricted of [true, false])
    expect(isRefused('localhost:5000', { isRestricted }, headers)).toBe(refused);
});

test('the page of a server behind a proxy is its own', () => {
  const origin = { origin: 'https://registry.example' };
  const change = { isRestricted: true };
  expect(isRefused('registry.example', change, origin)).toBe(false);
  expect(isRefused('internal:5000', change, origin)).toBe(true);
  const publicUrl = 'https://registry.example';
  expect(isRefused('internal:5000', { ...change, publicUrl }, origin)).toBe(false);
  const forwardedHost = 'registry.example';
  expect(isRefused('internal:5000', { ...change, forwardedHost }, origin)).toBe(false);
});
