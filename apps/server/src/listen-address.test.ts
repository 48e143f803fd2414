import { isLoopback } from '@oci/spec-types/node';
import { expect, test } from 'vitest';

import { formatOrigin, parseListenAddress } from './listen-address.js';

test.each([
  ['127.0.0.1:5000', '127.0.0.1', 5000, true],
  ['localhost:0', 'localhost', 0, true],
  ['[::1]:5000', '::1', 5000, true],
  ['0.0.0.0:80', '0.0.0.0', 80, false],
  ['[::]:80', '::', 80, false],
  ['registry.example:65535', 'registry.example', 65_535, false],
  ['127.0.0.1.example:80', '127.0.0.1.example', 80, false],
])('%s is %s and port %i, on loopback: %s', (text, host, port, loopback) => {
  const address = parseListenAddress(text);
  expect(address).toEqual({ host, port });
  expect(isLoopback(address.host)).toBe(loopback);
  expect(formatOrigin(address)).toBe(`http://${text}`);
});

test.each([
  '',
  '5000',
  ':5000',
  'localhost',
  'localhost:',
  'localhost:65536',
  'a b:1',
  '::1:80',
  'http://a:1',
])('%j is no listen address', (text) => {
  expect(() => parseListenAddress(text)).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', hint: expect.any(String) }),
  );
});
