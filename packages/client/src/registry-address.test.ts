import { OciError } from '@oci/spec-types';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { parseRegistryAddress } from './registry-address.js';

test.each([
  ['https://registry.example', false, 'https', 'registry.example'],
  ['https://registry.example/', true, 'https', 'registry.example'],
  ['http://registry.example:8080', false, 'http', 'registry.example:8080'],
  ['registry.example', false, 'https', 'registry.example'],
  ['registry.example:5000', true, 'http', 'registry.example:5000'],
  ['registry.example:5000/', false, 'https', 'registry.example:5000'],
  ['localhost', false, 'http', 'localhost'],
  ['localhost:5000', false, 'http', 'localhost:5000'],
  ['127.0.0.1:5000', false, 'http', '127.0.0.1:5000'],
  ['127.1.2.3', false, 'http', '127.1.2.3'],
  ['[::1]:5000', false, 'http', '[::1]:5000'],
  ['https://localhost:5000', false, 'https', 'localhost:5000'],
  ['localhost.example', false, 'https', 'localhost.example'],
  ['127.0.0.1.example', false, 'https', '127.0.0.1.example'],
])('%s (plain HTTP: %s) is %s to %s', (text, plainHttp, scheme, host) => {
  expect(parseRegistryAddress(text, { plainHttp })).toEqual({ scheme, host });
});

test.each([
  '',
  'ftp://registry.example',
  'https://',
  'https://user:password@registry.example',
  'user@registry.example',
  'https://registry.example/v2/',
  'registry.example/path',
  'registry.example//',
  '/',
  'https://registry.example?x',
  'https://registry.example#x',
  'registry example',
  'registry.example:99999',
])('%j is the address of no registry', (text) => {
  expect(() => parseRegistryAddress(text, { plainHttp: false })).toThrow(
    expect.objectContaining({ code: 'REFERENCE_INVALID', hint: expect.any(String) }),
  );
});

function outcome(text: string): string {
  try {
    return parseRegistryAddress(text, { plainHttp: false }).host;
  } catch (error) {
    return error instanceof OciError ? error.code : 'a defect, with spaces';
  }
}

test('no text breaks the parser, and no password comes through', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(outcome(text)).toMatch(/^(?:REFERENCE_INVALID|[^/@\s]+)$/);
    }),
  );
});
