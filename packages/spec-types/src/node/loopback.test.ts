import { expect, test } from 'vitest';

import { isLoopback } from './loopback.js';

test.each([
  ['localhost', true],
  ['127.0.0.1', true],
  ['127.255.0.9', true],
  ['::1', true],
  ['127.0.0.999', false],
  ['127.example', false],
  ['team.localhost', false],
  ['localhost.example', false],
  ['0.0.0.0', false],
  ['::', false],
])('%s is loopback: %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});
