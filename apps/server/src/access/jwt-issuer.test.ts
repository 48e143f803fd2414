import { once } from 'node:events';
import { type RequestListener, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import { afterEach, expect, test, vi } from 'vitest';

import { JwtIssuer } from './jwt-issuer.js';

const keys = await generateKeyPair('ES256');
const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'one', alg: 'ES256' };

afterEach(() => void vi.useRealTimers());

/** A provider that answers like this, and a token of it that is right. */
async function startProvider(answer: (issuer: string) => RequestListener) {
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
  const known = new JwtIssuer({ issuer, audience: 'oci' });
  return {
    verify: () => known.verify(token),
    [Symbol.asyncDispose]: async () => {
      provider.closeAllConnections();
      provider.close();
      await once(provider, 'close');
    },
  };
}

/** What an issuer finds out of a token that is right, when its provider answers like this. */
async function verifiedBy(answer: (issuer: string) => RequestListener) {
  await using provider = await startProvider(answer);
  return await provider.verify();
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

test.each<[string, string, Record<string, string>, number[]]>([
  ['for discovery', '/.well-known/openid-configuration', {}, [0, 1000, 2000]],
  ['for its keys', '/keys', {}, [0, 1000, 2000]],
  ['for its keys, and asks for a pause', '/keys', { 'retry-after': '7' }, [0, 7000, 7000]],
])('a provider that fails %s is left alone, longer each time', async (_, path, headers, pauses) => {
  let asked = 0;
  let isDown = true;
  await using provider = await startProvider((issuer) => (request, response) => {
    if (request.url !== path || !isDown)
      return documents({}, { keys: [jwk] })(issuer)(request, response);
    asked += 1;
    response.writeHead(503, headers).end();
  });
  vi.useFakeTimers({ toFake: ['Date'] });
  for (const [failures, pause] of pauses.entries()) {
    vi.setSystemTime(Date.now() + Math.max(0, pause - 1));
    if (pause > 0) await Promise.allSettled([provider.verify()]);
    expect(asked).toBe(failures);
    vi.setSystemTime(Date.now() + 1);
    const all = await Promise.allSettled([1, 2, 3].map(() => provider.verify()));
    expect(all.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(asked).toBe(failures + 1);
  }
  isDown = false;
  vi.setSystemTime(Date.now() + 60_000);
  expect(await provider.verify()).toMatchObject({ subject: 'user:alice' });
});
