import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';

import { startRegistry } from '@oci/testing';
import { expect, test } from 'vitest';

import { readBody } from './bounded-body.js';
import type { RegistryRequest } from './exchange.js';
import { defaultTimeouts } from './connection-options.js';
import { createSend } from './send.js';

function sender(change: Partial<Parameters<typeof createSend>[0]> = {}) {
  const { send, close } = createSend({
    timeouts: defaultTimeouts,
    origin: new URL('https://127.0.0.1'),
    proxy: () => undefined,
    userAgent: 'test',
    ...change,
  });
  return { send, [Symbol.asyncDispose]: close };
}

function get(url: string, change: Partial<RegistryRequest> = {}): RegistryRequest {
  return { method: 'GET', url: new URL(url), headers: {}, scopes: [], ...change };
}

/** A TCP server that does with each connection what it is told. */
async function tcp(serve: (socket: Socket) => void): Promise<AsyncDisposable & { port: number }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    serve(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

test('sends one request and gives its answer, whatever the status', async () => {
  await using registry = await startRegistry();
  await using client = sender();
  const response = await client.send(get(`${registry.url}/v2/none/manifests/1`));
  expect([response.status, response.attempts]).toEqual([404, 1]);
  expect(registry.requests[0]?.headers['user-agent']).toBe('test');
  await response.body.dump();
});

test('a port that nobody listens on is NETWORK, with a command to try', async () => {
  const { port } = await closedPort();
  await using client = sender();
  await expect(client.send(get(`http://127.0.0.1:${port}/v2/`))).rejects.toMatchObject({
    code: 'NETWORK',
    message: `127.0.0.1:${port} refuses connections`,
    hint: expect.stringContaining(`curl -v http://127.0.0.1:${port}/v2/`),
    retryable: true,
  });
});

async function closedPort(): Promise<{ port: number }> {
  await using server = await tcp(() => {});
  return { port: server.port };
}

test('a name that does not exist is NETWORK', async () => {
  await using client = sender();
  await expect(client.send(get('http://registry.invalid/v2/'))).rejects.toMatchObject({
    code: 'NETWORK',
    message: 'registry.invalid is not a name that can be resolved',
  });
});

test('a certificate that nobody vouches for is TLS, and passes with its authority or insecure', async () => {
  await using registry = await startRegistry({ tls: true });
  await using client = sender();
  await expect(client.send(get(`${registry.url}/v2/`))).rejects.toMatchObject({
    code: 'TLS',
    message: expect.stringContaining('not trusted'),
    reason: { kind: 'certificate-untrusted' },
    retryable: false,
  });
  await using trusting = sender({ ca: registry.ca });
  expect(await trusting.send(get(`${registry.url}/v2/`))).toMatchObject({ status: 200 });
  await using insecure = sender({ insecure: true });
  expect(await insecure.send(get(`${registry.url}/v2/`))).toMatchObject({ status: 200 });
});

test('HTTPS to what speaks HTTP says so', async () => {
  await using registry = await startRegistry();
  await using client = sender();
  await expect(client.send(get(`https://${registry.host}/v2/`))).rejects.toMatchObject({
    code: 'TLS',
    message: `${registry.host} speaks HTTP, not HTTPS`,
    reason: { kind: 'plain-http-needed' },
  });
});

test('HTTP to what speaks HTTPS asks whether it does', async () => {
  await using registry = await startRegistry({ tls: true });
  await using client = sender();
  await expect(client.send(get(`http://${registry.host}/v2/`))).rejects.toMatchObject({
    hint: expect.stringContaining(`https://${registry.host}`),
  });
});

test('a server that never answers is TIMEOUT', async () => {
  await using server = await tcp(() => {});
  await using client = sender({ timeouts: { ...defaultTimeouts, headersMs: 50 } });
  await expect(client.send(get(`http://127.0.0.1:${server.port}/`))).rejects.toMatchObject({
    code: 'TIMEOUT',
    message: expect.stringContaining('does not answer'),
    retryable: true,
  });
});

test('a body that stops in the middle is TIMEOUT', async () => {
  await using server = await tcp((socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf');
  });
  await using client = sender({ timeouts: { ...defaultTimeouts, idleMs: 50 } });
  const request = get(`http://127.0.0.1:${server.port}/`);
  const response = await client.send(request);
  await expect(readBody(response, 1000, request)).rejects.toMatchObject({
    code: 'TIMEOUT',
    message: expect.stringContaining('stopped sending'),
  });
});

test.each([
  ['before an answer', ''],
  ['in the middle of the headers', 'HTTP/1.1 200 OK\r\ncontent-le'],
  ['with what is not HTTP', 'SSH-2.0-OpenSSH_9.6\r\n'],
])('a connection that ends %s fails', async (_, bytes) => {
  await using server = await tcp((socket) => socket.once('data', () => socket.end(bytes)));
  await using client = sender();
  const failing = client.send(get(`http://127.0.0.1:${server.port}/`));
  await expect(failing).rejects.toMatchObject({ code: expect.stringMatching(/^(NETWORK|TLS)$/) });
});

test('an abort is ABORTED, before the answer and in its body', async () => {
  await using registry = await startRegistry();
  const { digest } = registry.putBlob('a', Buffer.alloc(1000));
  await using client = sender();
  const url = `${registry.url}/v2/a/blobs/${digest}`;
  const before = get(url, { signal: AbortSignal.abort() });
  await expect(client.send(before)).rejects.toMatchObject({ code: 'ABORTED' });

  let release = (): void => {};
  const until = new Promise<void>((resolve) => (release = resolve));
  registry.fault({ path: '/blobs/', pause: { afterBytes: 10, until } });
  const controller = new AbortController();
  const request = get(url, { signal: controller.signal });
  const response = await client.send(request);
  const reading = readBody(response, 10_000, request);
  controller.abort();
  await expect(reading).rejects.toMatchObject({ code: 'ABORTED' });
  release();
});

test('an address that only the public may have is checked when it is connected to', async () => {
  await using registry = await startRegistry();
  const port = new URL(registry.url).port;
  await using client = sender();
  const request = get(`http://localhost:${port}/v2/`, { publicOnly: true });
  await expect(client.send(request)).rejects.toMatchObject({ code: 'POLICY_REFUSED' });
  expect(registry.requests).toEqual([]);
});
