import { once } from 'node:events';
import { type RequestListener, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import { expect, test } from 'vitest';

import { JwtIssuer } from './jwt-issuer.js';

const keys = await generateKeyPair('ES256');
const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'one', alg: 'ES256' };

/** What an issuer finds out of a token that is right, when its provider answers like this. */
async function verifiedBy(answer: (issuer: string) => RequestListener) {
  let listener: RequestListener = () => {};
  const provider = createServer((request, response) => listener(request, response));
  await once(provider.listen(0, '127.0.0.1'), 'listening');
  const issuer = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  listener = answer(issuer);
  const token = await new SignJWT({})
    .setProtectedHeader({ alg: 'ES256', kid: 'one' })
    .setIssuer(issuer)
    .setAudience('oci')
    .setSubject('alice')
    .setExpirationTime('5m')
    .sign(keys.privateKey);
  try {
    return await new JwtIssuer({ issuer, audience: 'oci' }).verify(token);
  } finally {
    provider.close();
  }
}

const documents =
  (discovery: object, keySet: object) =>
  (issuer: string): RequestListener =>
  (request, response) => {
    const isKeys = request.url === '/keys';
    const document = isKeys ? keySet : { issuer, jwks_uri: `${issuer}/keys`, ...discovery };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(document));
  };

test('keys are found by discovery', async () => {
  expect(await verifiedBy(documents({}, { keys: [jwk] }))).toMatchObject({ subject: 'user:alice' });
});

test.each<[string, object, object]>([
  ['lie at an http:// URL of another machine', { jwks_uri: 'http://id.example/keys' }, {}],
  ['lie in a document of another issuer', { issuer: 'https://id.example' }, { keys: [jwk] }],
  ['come with a discovery document without end', { more: 'x'.repeat(2_000_000) }, { keys: [jwk] }],
  ['come in a set without end', {}, { keys: [jwk], more: 'x'.repeat(2_000_000) }],
])('keys that %s are not used', async (_, discovery, keySet) => {
  await expect(verifiedBy(documents(discovery, keySet))).rejects.toMatchObject({ code: 'NETWORK' });
});

test.each<[string, number, string]>([
  ['fails', 500, 'oops'],
  ['sends a page', 200, '<html>'],
  ['sends no set of keys', 200, '{}'],
])('a provider that %s for its keys makes no token a wrong one', async (_, status, body) => {
  const verified = verifiedBy((issuer) => (request, response) => {
    response.statusCode = request.url === '/keys' ? status : 200;
    response.end(
      request.url === '/keys' ? body : JSON.stringify({ issuer, jwks_uri: `${issuer}/keys` }),
    );
  });
  await expect(verified).rejects.toMatchObject({ code: 'NETWORK' });
});
