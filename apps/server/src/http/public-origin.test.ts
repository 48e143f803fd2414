import type { IncomingMessage } from 'node:http';

import { expect, test } from 'vitest';

import { lacksPublicUrl } from '../server-options.js';
import { TrustedProxies } from './client-address.js';
import { publicOrigin } from './public-origin.js';

const trusted = ['10.0.0.0/8'];
const forwarded = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'registry.example:8443' };

function origin(
  headers: Record<string, string>,
  change: { publicUrl?: string; isTls?: boolean; proxies?: readonly string[] } = {},
): string {
  const { publicUrl, isTls = false, proxies = trusted } = change;
  const request = { socket: { remoteAddress: '::ffff:10.0.0.1' }, headers };
  return publicOrigin(request as unknown as IncomingMessage, {
    publicUrl,
    isTls,
    proxies: new TrustedProxies(proxies),
    listening: 'http://127.0.0.1:5000',
  });
}

test.each<[Record<string, string>, Parameters<typeof origin>[1], string]>([
  [{ host: 'dev.example:10443' }, {}, 'http://dev.example:10443'],
  [{ host: 'dev.example' }, { isTls: true }, 'https://dev.example'],
  [{ host: 'internal:5000', ...forwarded }, {}, 'https://registry.example:8443'],
  [{ host: 'registry.example', 'x-forwarded-proto': 'https' }, {}, 'https://registry.example'],
  [{ host: 'a', 'x-forwarded-proto': 'http, HTTPS' }, {}, 'https://a'],
  [{ host: 'a', 'x-forwarded-host': 'evil.example, b' }, {}, 'http://b'],
  [{ host: 'a', 'x-forwarded-proto': 'javascript' }, {}, 'http://a'],
  [{ host: 'a', 'x-forwarded-host': 'b" evil="' }, {}, 'http://127.0.0.1:5000'],
  [{ host: 'internal:5000', ...forwarded }, { proxies: [] }, 'http://internal:5000'],
  [{ host: 'internal:5000', ...forwarded }, { proxies: ['192.0.2.1'] }, 'http://internal:5000'],
  [{ host: 'a', ...forwarded }, { publicUrl: 'https://public.example/' }, 'https://public.example'],
])('%j with %j is reached at %s', (headers, change, expected) => {
  expect(origin(headers, change)).toBe(expected);
});

test('a server with rules has to know its name when a proxy may add TLS', () => {
  const base = { listen: { host: '127.0.0.1', port: 0 }, dataDir: '', manager: {} } as never;
  const access = { rules: [{ who: ['anyone'], namespaces: ['*'], actions: [] }] };
  const lacks = (change: object) =>
    lacksPublicUrl({ ...(base as object), access, ...change } as never);
  expect(lacks({})).toBe(true);
  expect(lacks({ publicUrl: 'https://registry.example' })).toBe(false);
  expect(lacks({ trustedProxies: ['10.0.0.1'] })).toBe(false);
  expect(lacks({ tls: { cert: '', key: '' } })).toBe(false);
  expect(lacks({ access: undefined })).toBe(false);
});
