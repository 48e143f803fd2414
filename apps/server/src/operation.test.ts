import { once } from 'node:events';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { type TLSSocket, connect } from 'node:tls';

import { kclPackage, temporaryDirectory, testAuthority } from '@oci/testing';
import { expect, test } from 'vitest';

import { createOciServerClient } from './client/index.js';
import type { ServerOptions } from './server-options.js';
import { startServer } from './server.js';

function optionsIn(path: string, change: Partial<ServerOptions> = {}): ServerOptions {
  return {
    listen: { host: '127.0.0.1', port: 0 },
    dataDir: join(path, 'registry'),
    manager: { namespace: 'extensions', cacheDir: join(path, 'cache') },
    ...change,
  };
}

async function status(url: string, options: Parameters<typeof request>[1] = {}): Promise<number> {
  const sent = request(url, { ...options, agent: false }).end();
  const [answer] = (await once(sent, 'response')) as [{ statusCode: number; resume(): void }];
  answer.resume();
  return answer.statusCode;
}

async function certificateOf(url: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket: TLSSocket = connect({
    host: hostname,
    port: Number(port),
    rejectUnauthorized: false,
  });
  await once(socket, 'secureConnect');
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

test('is ready while it can store, and says what is in the way', async () => {
  await using directory = await temporaryDirectory();
  const dir = join(directory.path, 'audit');
  await mkdir(dir);
  await symlink('/dev/full', join(dir, 'audit.jsonl'));
  const options = optionsIn(directory.path, { audit: { dir, required: true } });
  const server = await startServer(options);
  const ready = async () => {
    const answer = await fetch(`${server.url}/readyz`);
    return { status: answer.status, ...((await answer.json()) as object) };
  };
  await expect.poll(ready).toEqual({
    status: 'not ready',
    reasons: ['the audit log cannot be written'],
  });
  expect((await fetch(`${server.url}/readyz`)).status).toBe(503);
  const refused = await fetch(`${server.url}/v2/`);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '10']);
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  await rm(join(dir, 'audit.jsonl'));
  await expect.poll(ready, { timeout: 5000 }).toEqual({ status: 'ready', reasons: [] });
  expect((await fetch(`${server.url}/v2/`)).status).toBe(200);
  await rm(options.dataDir, { recursive: true });
  await writeFile(options.dataDir, 'no directory');
  expect(await ready()).toMatchObject({ reasons: ['the storage cannot be written'] });
  await server.close();
});

test('takes over new certificates without a restart, and keeps the old ones when the new are none', async () => {
  await using directory = await temporaryDirectory();
  // A server may show any certificate; that it is another one is all that counts here.
  const { server: first, client: second, ca } = await testAuthority();
  const server = await startServer(optionsIn(directory.path, { tls: first }));
  const before = await certificateOf(server.url);
  expect(await status(`${server.url}/healthz`, { ca })).toBe(200);
  const broken = server.reload(optionsIn(directory.path, { tls: { cert: 'x', key: 'y' } }));
  await expect(broken).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  expect(await certificateOf(server.url)).toBe(before);
  await server.reload(optionsIn(directory.path, { tls: second }));
  expect(await certificateOf(server.url)).not.toBe(before);
  const trusting = { ca, checkServerIdentity: () => undefined };
  await expect(status(`${server.url}/healthz`, trusting)).rejects.toThrow(/purpose/);
  await server.close();
});

test('lets nobody in without a client certificate when it is told to', async () => {
  await using directory = await temporaryDirectory();
  const { ca, server: tls, client } = await testAuthority();
  const required = { ...tls, clientCa: ca, requireClientCertificate: true };
  const server = await startServer(optionsIn(directory.path, { tls: required }));
  expect(await status(`${server.url}/v2/`, { ca, ...client })).toBe(200);
  await expect(status(`${server.url}/v2/`, { ca })).rejects.toThrow(
    /certificate required|ECONNRESET|hang up/,
  );
  await server.close();
});

test('manages its own repositories behind TLS, certificates and rules', async () => {
  await using directory = await temporaryDirectory();
  const { ca, server: tls, client } = await testAuthority();
  const access = {
    rules: [
      {
        who: ['certificate:tester'],
        namespaces: ['kcl'],
        actions: ['list', 'pull', 'push'] as const,
      },
    ],
  };
  const required = { ...tls, clientCa: ca, requireClientCertificate: true };
  const server = await startServer(optionsIn(directory.path, { tls: required, access }));
  const { manifest, blobs } = kclPackage({ name: 'demo', version: '1.0.0' });
  const send = async (method: string, path: string, body: Uint8Array, type: string) => {
    const headers = { 'content-type': type, 'content-length': body.byteLength };
    const sent = request(server.url + path, { method, headers, ca, ...client, agent: false });
    const [answer] = (await once(sent.end(body), 'response')) as [
      NodeJS.ReadableStream & { statusCode: number },
    ];
    let text = '';
    for await (const chunk of answer) text += String(chunk);
    return { status: answer.statusCode, text };
  };
  for (const { descriptor, bytes } of blobs)
    await send('POST', `/v2/kcl/demo/blobs/uploads/?digest=${descriptor.digest}`, bytes, 'a/b');
  await send('PUT', '/v2/kcl/demo/manifests/1.0.0', manifest.bytes, manifest.descriptor.mediaType);
  const body = Buffer.from('{"namespace":"kcl"}');
  const listed = await send('POST', '/api/v1/oci/artifacts', body, 'application/json');
  expect(listed.status).toBe(200);
  expect(JSON.parse(listed.text)).toMatchObject({ data: [{ name: 'demo', version: '1.0.0' }] });
  await server.close();
});

test('lets one client ask so often, and others as well', async () => {
  await using directory = await temporaryDirectory();
  const options = optionsIn(directory.path, {
    limits: { requestsPerSecond: 1 },
    trustedProxies: ['127.0.0.1'],
  });
  const server = await startServer(options);
  const ask = async (client: string) =>
    fetch(`${server.url}/v2/`, { headers: { 'x-forwarded-for': `6.6.6.6, ${client}` } });
  const answers = await Promise.all(Array.from({ length: 60 }, () => ask('10.0.0.1')));
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThan(0);
  expect(refused[0]?.headers.get('retry-after')).toBe('1');
  expect((await ask('10.0.0.2')).status).toBe(200);
  await server.reload(optionsIn(directory.path, { trustedProxies: ['127.0.0.1'] }));
  expect((await ask('10.0.0.1')).status).toBe(200);
  await server.close();
});

test('refuses a blob that is larger than it may be, and keeps nothing of it', async () => {
  await using directory = await temporaryDirectory();
  const server = await startServer(optionsIn(directory.path, { limits: { maxUploadBytes: 10 } }));
  const begun = await fetch(`${server.url}/v2/a/b/blobs/uploads/`, { method: 'POST' });
  const url = server.url + (begun.headers.get('location') ?? '');
  expect((await fetch(url, { method: 'PATCH', body: '12345' })).status).toBe(202);
  expect((await fetch(url, { method: 'PATCH', body: '678901' })).status).toBe(413);
  expect((await fetch(url)).headers.get('range')).toBe('0-4');
  await server.close();
});

test('installs nothing when it has no directory for it', async () => {
  await using directory = await temporaryDirectory();
  const server = await startServer(optionsIn(directory.path));
  const client = createOciServerClient({ url: server.url });
  await expect(client.listExtensions()).rejects.toMatchObject({ status: 422, code: 'UNSUPPORTED' });
  await server.close();
});
