import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { redact } from './text.js';
import { redactJson, redactUrl } from './redact.js';

test.each([
  ['https://user:secret@ghcr.io/v2/', 'https://ghcr.io/v2/'],
  ['https://user:se@cret@ghcr.io/v2/', 'https://ghcr.io/v2/'],
  ['http://secret@localhost:5000', 'http://localhost:5000'],
  ['HTTPS://user:secret@ghcr.io', 'HTTPS://ghcr.io'],
  ['oci://user:secret@ghcr.io/app', 'oci://ghcr.io/app'],
  ['GET https://s3.example/b?X-Amz-Signature=secret failed', 'GET https://s3.example/b?... failed'],
  ['https://h/x?a=1&b=secret#c', 'https://h/x?...'],
  ["https://h/x?name='a'&sig=secret", 'https://h/x?...'],
  ['"https://h/x?sig=secret"', '"https://h/x?..."'],
  ['<https://h/x?sig=secret>; rel="next"', '<https://h/x?...>; rel="next"'],
  ['https://a:secret@h/x and https://b:secret@h/y?s=secret', 'https://h/x and https://h/y?...'],
  ['https://proxy/https://user:secret@h/x', 'https://proxy/https://h/x'],
  ['https://user:secret@h?x=https://u:secret@i', 'https://h?...'],
  ['Authorization: Basic c2VjcmV0', 'Authorization: Basic ...'],
  ['{"authorization":"Bearer secret.secret.secret"}', '{"authorization":"Bearer ..."}'],
])('%s becomes %s', (text, expected) => {
  expect(redact(text)).toBe(expected);
});

test.each([
  'ghcr.io/team/app@sha256:abc',
  'https://ghcr.io/v2/app/manifests/sha256:abc',
  'https://ghcr.io/app@sha256:abc',
  'someone@example.com asked: why?',
  'Basic authentication is required',
  'is it there? yes',
  'http://[::1]:5000/v2/',
])('%s stays as it is', (text) => {
  expect(redact(text)).toBe(text);
});

test('no user name, password or query value of a URL is left, whatever stands around it', () => {
  const secret = fc.stringMatching(/^S3CR3T[a-zA-Z0-9!$'()*+,;=:@._~-]{0,12}$/);
  const around = fc.constantFrom('', ' ', '(', '"', 'GET ', ' 401 ', '\n', ', ');
  fc.assert(
    fc.property(
      around,
      secret,
      fc.webUrl(),
      secret,
      around,
      (before, password, url, value, after) => {
        const hostile = url.replace('://', () => `://u:${password}@`);
        const text = `${before}${hostile}?token=${value}${after}`;
        expect(redact(text)).not.toContain('S3CR3T');
      },
    ),
    { numRuns: 500 },
  );
});

test('redacting twice changes nothing more', () => {
  const text = fc.oneof(
    fc.string(),
    fc.webUrl({ withQueryParameters: true }),
    fc.string({ unit: fc.constantFrom('://', 'a', '@', '?', ' ', '/', '.') }),
  );
  fc.assert(
    fc.property(text, (value) => {
      expect(redact(redact(value))).toBe(redact(value));
    }),
  );
});

test.each([
  'a://',
  'https://',
  'https://a@',
  'a.',
  'authorization: ',
  'authorization:basic ',
  '?',
  '@',
])('a long text of %j is judged in one pass', (piece) => {
  expect(typeof redact(piece.repeat(200_000 / piece.length))).toBe('string');
});

test('the query of a path without a host is taken out of a URL', () => {
  expect(redactUrl('/v2/app/blobs/uploads/1?state=secret')).toBe('/v2/app/blobs/uploads/1?...');
  expect(redactUrl('/v2/')).toBe('/v2/');
});

test('a JSON value is redacted at every depth, and cut where it has no end', () => {
  const url = 'https://u:secret@h/x?s=secret';
  expect(redactJson({ a: [url, { [url]: url }], n: 1, z: null })).toEqual({
    a: ['https://h/x?...', { 'https://h/x?...': 'https://h/x?...' }],
    n: 1,
    z: null,
  });
  const bomb = JSON.parse('['.repeat(30_000) + ']'.repeat(30_000)) as unknown;
  expect(JSON.stringify(redactJson(bomb))).toBe('[[[[[[[["..."]]]]]]]]');
});

test.each([
  'token',
  'access_token',
  'RefreshToken',
  'Password',
  'client_secret',
  'AUTHORIZATION',
  'Set-Cookie',
])(
  'what is called %s is left out of a JSON value, wherever it stands (GHSA-5jhf-2qmf-m8c5)',
  (name) => {
    expect(redactJson([{ detail: { [name]: 'hunter2', tokens: 2 } }])).toEqual([
      { detail: { [name]: '...', tokens: 2 } },
    ]);
  },
);
