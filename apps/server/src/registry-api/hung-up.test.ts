import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';

import { mediaTypes } from '@oci/spec-types';
import { temporaryDirectory } from '@oci/testing';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import { expect, test } from 'vitest';

import { createAccessToken } from '../access/access-token.js';
import { startServer } from '../server.js';

const keys = await generateKeyPair('ES256');
const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'one', alg: 'ES256' };
const owner = createAccessToken();

test('a change is in the audit log as what it was, by whom, although its sender has hung up', async () => {
  await using directory = await temporaryDirectory();
  // Whoever is identified by its keys waits for them, so that the sender is gone by then.
  const provider = createServer();
  await once(provider.listen(0, '127.0.0.1'), 'listening');
  const issuer = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  const server = await startServer({
    listen: { host: '127.0.0.1', port: 0 },
    dataDir: `${directory.path}/registry`,
    manager: { namespace: 'extensions', cacheDir: `${directory.path}/cache` },
    audit: { dir: `${directory.path}/audit` },
    access: {
      tokens: [{ name: 'owner', hash: owner.hash }],
      issuers: [{ issuer, audience: 'oci', jwksUrl: `${issuer}/keys` }],
      rules: [
        { who: ['token:owner'], namespaces: ['*'], actions: ['push', 'pull', 'observe'] },
        { who: ['user:mallory'], namespaces: ['kcl'], actions: ['admin'] },
      ],
    },
  });
  const headers = {
    authorization: `Bearer ${owner.secret}`,
    'content-type': mediaTypes.imageIndex,
  };
  const url = `${server.url}/v2/kcl/demo/manifests/1.0.0`;
  const body = JSON.stringify({
    schemaVersion: 2,
    mediaType: mediaTypes.imageIndex,
    manifests: [],
  });
  expect((await fetch(url, { method: 'PUT', headers, body })).status).toBe(201);
  const token = await new SignJWT({ sub: 'mallory', iss: issuer, aud: 'oci' })
    .setProtectedHeader({ alg: 'ES256', kid: 'one' })
    .setExpirationTime('5m')
    .sign(keys.privateKey);
  const { host, hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.write(
    `DELETE /v2/kcl/demo/manifests/1.0.0 HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${token}\r\n\r\n`,
  );
  const [, keysAnswer] = await once(provider, 'request');
  socket.destroy();
  const inFlight = async (): Promise<string | undefined> =>
    /in_flight\{handler="registry"\} (\d+)/.exec(
      await (await fetch(`${server.url}/metrics`, { headers })).text(),
    )?.[1];
  await expect.poll(inFlight).toBe('0');
  keysAnswer.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [jwk] }));
  await expect.poll(async () => (await fetch(url, { headers })).status).toBe(404);
  const lines = async (): Promise<readonly string[]> =>
    (await readFile(`${directory.path}/audit/audit.jsonl`, 'utf8')).match(/.*"delete".*/g) ?? [];
  await expect.poll(async () => (await lines()).length).toBe(1);
  expect(JSON.parse((await lines())[0] ?? '')).toMatchObject({
    event: 'delete',
    result: 'ok',
    who: 'user:mallory',
    repository: 'kcl/demo',
    detail: 'broken off',
  });
  await server.close();
  provider.close();
});
