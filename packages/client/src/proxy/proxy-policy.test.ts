import fc from 'fast-check';
import { expect, test } from 'vitest';

import { proxyFromEnvironment } from './proxy-options.js';
import { proxyPolicy } from './proxy-policy.js';

const proxies = { httpProxy: 'http://plain.example:3128', httpsProxy: 'secure.example:3128' };
const through = (url: string, noProxy = ''): string | undefined =>
  proxyPolicy({ ...proxies, noProxy })(new URL(url))?.host;

test('takes the proxy of the scheme', () => {
  expect(through('http://registry.example')).toBe('plain.example:3128');
  expect(through('https://registry.example')).toBe('secure.example:3128');
  expect(proxyPolicy({})(new URL('https://registry.example'))).toBeUndefined();
  expect(
    proxyPolicy({ httpProxy: 'http://a' })(new URL('https://registry.example')),
  ).toBeUndefined();
});

test.each([
  ['*', 'https://registry.example', true],
  ['registry.example', 'https://registry.example', true],
  ['REGISTRY.example', 'https://registry.example', true],
  ['example', 'https://registry.example', true],
  ['.example', 'https://registry.example', true],
  ['*.example', 'https://registry.example', true],
  ['a.example, registry.example', 'https://registry.example', true],
  ['a.example registry.example', 'https://registry.example', true],
  ['registry.example:443', 'https://registry.example', true],
  ['registry.example:5000', 'https://registry.example', false],
  ['registry.example:5000', 'https://registry.example:5000', true],
  ['gistry.example', 'https://registry.example', false],
  ['10.1.2.3', 'https://10.1.2.3', true],
  ['10.1.2.0/24', 'https://10.1.2.3', true],
  ['10.1.2.0/24', 'https://10.1.3.3', false],
  ['10.1.2.0/99', 'https://10.1.2.3', false],
  ['fd00::/8', 'https://[fd00::7]', true],
  ['fd00::7', 'https://[fd00::7]', true],
  ['[fd00::7]:5000', 'https://[fd00::7]:5000', true],
  ['[fd00::7]:5000', 'https://[fd00::7]', false],
  ['', 'https://localhost:5000', true],
  ['', 'http://127.0.0.1:5000', true],
  ['', 'http://[::1]:5000', true],
  ['', 'https://registry.example', false],
])('with NO_PROXY=%s, %s is reached directly: %s', (noProxy, url, direct) => {
  expect(through(url, noProxy) === undefined).toBe(direct);
});

test('reads the environment in small letters first', () => {
  const env = { http_proxy: 'a', HTTP_PROXY: 'b', HTTPS_PROXY: 'c', no_proxy: 'd', NO_PROXY: 'e' };
  expect(proxyFromEnvironment(env)).toEqual({ httpProxy: 'a', httpsProxy: 'c', noProxy: 'd' });
  expect(proxyFromEnvironment({ ALL_PROXY: 'x' })).toMatchObject({
    httpProxy: 'x',
    httpsProxy: 'x',
  });
});

test('does not believe HTTP_PROXY in a CGI program (CVE-2016-5385)', () => {
  const env = { REQUEST_METHOD: 'GET', HTTP_PROXY: 'evil' };
  expect(proxyFromEnvironment(env).httpProxy).toBeUndefined();
});

test.each(['ftp://proxy.example', 'http://', 'http://me:secret@'])('refuses %s', (httpProxy) => {
  const failing = (): unknown => proxyPolicy({ httpProxy });
  expect(failing).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  expect(failing).not.toThrow(/secret/);
});

test('never fails for what stands in NO_PROXY', () => {
  fc.assert(
    fc.property(fc.string(), fc.webUrl(), (noProxy, url) => {
      expect(['plain.example:3128', 'secure.example:3128', undefined]).toContain(
        through(url, noProxy),
      );
    }),
  );
});
