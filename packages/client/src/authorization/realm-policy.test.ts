import { expect, test } from 'vitest';

import { mayReceiveCredentials, refuseUnsafeRealm } from './realm-policy.js';

test.each([
  ['https://registry.example', 'http://registry.example/token'],
  ['https://registry.example', 'http://auth.registry.example/token'],
  ['https://registry.example', 'https://127.0.0.1/token'],
  ['https://registry.example', 'https://169.254.169.254/token'],
  ['https://registry.example', 'https://[::1]/token'],
  ['https://registry.example', 'https://localhost/token'],
  ['https://registry.example', 'file:///etc/passwd'],
])('%s must not name the token server %s (CVE-2026-48978)', (registry, realm) => {
  expect(() => refuseUnsafeRealm(new URL(registry), new URL(realm), false)).toThrow(
    expect.objectContaining({ code: 'POLICY_REFUSED', hint: expect.any(String) }),
  );
});

test.each([
  ['https://registry.example', 'https://auth.example/token'],
  ['http://registry.example', 'http://auth.example/token'],
  ['http://127.0.0.1:5000', 'http://127.0.0.1:5001/token'],
  ['http://localhost:5000', 'https://localhost:5001/token'],
])('%s may name the token server %s', (registry, realm) => {
  expect(() => refuseUnsafeRealm(new URL(registry), new URL(realm), false)).not.toThrow();
});

test('an internal token server is allowed to an internal registry, and where it is trusted (oras-go #1246)', () => {
  const registry = new URL('https://registry.example');
  const internal = new URL('https://10.0.0.1/token');
  expect(() => refuseUnsafeRealm(registry, internal, true)).not.toThrow();
  expect(() => refuseUnsafeRealm(registry, new URL('http://10.0.0.1/token'), true)).toThrow(
    /not encrypted/,
  );
  expect(() => refuseUnsafeRealm(registry, internal, false)).toThrow(
    expect.objectContaining({ hint: expect.stringContaining('trustedRealms') as string }),
  );
});

test.each([
  ['https://registry.example.com', 'https://registry.example.com:8443/token', true],
  ['https://registry-1.docker.io', 'https://auth.docker.io/token', true],
  ['https://a.example.co.uk', 'https://b.example.co.uk/token', true],
  ['https://a.co.uk', 'https://b.co.uk/token', false],
  ['https://a.github.io', 'https://b.github.io/token', false],
  ['https://registry.example.com', 'https://evil.example/token', false],
  ['https://example.com', 'https://example.com.evil.example/token', false],
  ['https://8.8.8.5', 'https://8.8.8.6/token', false],
  ['https://registry.example.com', 'https://tokens.other.example/token', true],
  ['https://registry.example.com', 'https://tokens.other.example:8443/token', false],
])('%s: credentials may go to %s: %s (CVE-2026-33540)', async (registry, realm, expected) => {
  const trusted = ['tokens.other.example'];
  expect(await mayReceiveCredentials(new URL(registry), new URL(realm), trusted)).toBe(expected);
});
