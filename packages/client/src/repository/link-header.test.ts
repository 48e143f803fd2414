import { OciError } from '@oci/spec-types';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { nextPage } from './link-header.js';

const current = new URL('https://registry.example/v2/a/tags/list?n=2');

test.each([
  [
    '</v2/a/tags/list?last=b&n=2>; rel="next"',
    'https://registry.example/v2/a/tags/list?last=b&n=2',
  ],
  ['<?last=b>; rel=next', 'https://registry.example/v2/a/tags/list?last=b'],
  ['<https://registry.example/x>;rel="next"', 'https://registry.example/x'],
  ['<https://registry.example:443/x>; rel="next"', 'https://registry.example/x'],
  // Nexus behind a port, Artifactory without its virtual repository, a proxy that ends TLS.
  [
    '</repository/p/v2/a/tags/list?n=2&last=b>; rel="next"',
    `${current.origin}/v2/a/tags/list?n=2&last=b`,
  ],
  ['</v2/other/tags/list?last=b>; rel="next"', `${current.origin}/v2/a/tags/list?last=b`],
  [
    '<http://registry.example/v2/a/tags/list?last=b>; rel="next"',
    `${current.origin}/v2/a/tags/list?last=b`,
  ],
  [
    '<http://10.0.0.1:8081/v2/a/tags/list?last=b>; rel="next"',
    `${current.origin}/v2/a/tags/list?last=b`,
  ],
  ['</first>; rel="first", </x>; rel="next"', 'https://registry.example/x'],
  ['</x>; title="a, b; c"; rel="prev next"', 'https://registry.example/x'],
  ['</x>; REL="NEXT"', 'https://registry.example/x'],
  ['</x>; rel="prev"', undefined],
  ['</x>; rel="nextish"', undefined],
  ['</x>', undefined],
  ['rel="next"', undefined],
  ['', undefined],
  [undefined, undefined],
])('%j goes on at %s', (link, expected) => {
  expect(nextPage(link, current)?.href).toBe(expected);
});

test.each([
  '<https://evil.example/v2/>; rel="next"',
  '<http://registry.example/v2/>; rel="next"',
  '<https://registry.example:8443/v2/>; rel="next"',
  '<//evil.example/v2/>; rel="next"',
  '<https://registry.example@evil.example/>; rel="next"',
])('%j leaves the registry', (link) => {
  expect(() => nextPage(link, current)).toThrow(
    expect.objectContaining({ code: 'POLICY_REFUSED' }),
  );
});

function outcome(link: string): string {
  try {
    return nextPage(link, current)?.origin ?? 'the end';
  } catch (error) {
    return error instanceof OciError ? error.code : 'a defect';
  }
}

test('no text leads away or takes long', () => {
  const pieces = fc.constantFrom(
    '<',
    '>',
    ';',
    ',',
    '"',
    'rel=next',
    '/x',
    '//e',
    'https://e/',
    ' ',
    '=',
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 40 }), (parts) => {
      expect(['the end', current.origin, 'POLICY_REFUSED']).toContain(outcome(parts.join('')));
    }),
  );
  expect(nextPage('<'.repeat(1_000_000), current)).toBeUndefined();
});
