import { expect, test } from 'vitest';

import { parseRegistryErrors, registryErrorCodes } from './registry-api.js';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

test('reads the errors of a registry, with a detail of any kind', () => {
  const errors = [
    { code: 'MANIFEST_UNKNOWN', message: 'no such manifest', detail: { Tag: 'x' } },
    { code: 'DENIED', detail: 'text' },
    { code: 'OWN_CODE', message: '', detail: undefined, more: 1 },
  ];
  expect(parseRegistryErrors(encode(JSON.stringify({ errors, extra: true })))).toEqual(errors);
});

test.each([
  '',
  'null',
  '<html>502 Bad Gateway</html>',
  '{}',
  '{"errors":null}',
  '{"errors":{}}',
  '{"errors":["DENIED"]}',
  '{"errors":[{"message":"no code"}]}',
  '{"error":"access_denied"}',
  '{"errors":[{"code":1}]}',
])('finds nothing in %j', (body) => {
  expect(parseRegistryErrors(encode(body))).toEqual([]);
});

test('finds nothing in bytes that are no text', () => {
  expect(parseRegistryErrors(new Uint8Array([0xff, 0xfe, 0, 1]))).toEqual([]);
});

test('keeps ten errors at most', () => {
  const errors = Array.from({ length: 1000 }, () => ({ code: 'DENIED' }));
  expect(parseRegistryErrors(encode(JSON.stringify({ errors })))).toHaveLength(10);
});

test('the known codes are in the form that the specification asks for', () => {
  for (const code of registryErrorCodes) expect(code).toMatch(/^[A-Z_]+$/);
});
