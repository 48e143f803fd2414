import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type RequestListener, createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

import { randomBytes, testAuthority } from '@oci/testing';
import { expect, test, vi } from 'vitest';

import { BlockPool } from './block-pool.js';
import type { RegistryRequest, RegistryResponse } from './exchange.js';
import { defaultTimeouts } from './connection-options.js';
import { createSend } from './send.js';

const content = randomBytes(501, 3_000_000);

function sender(ca?: string) {
  const { send, close } = createSend({
    timeouts: defaultTimeouts,
    origin: new URL('https://127.0.0.1'),
    proxy: () => undefined,
    userAgent: 'test',
    ca,
  });
  return { send, [Symbol.asyncDispose]: close };
}

async function server(listener: RequestListener, tls?: { key: string; cert: string }) {
  const http = tls ? createHttpsServer(tls, listener) : createHttpServer(listener);
  let connections = 0;
  http.on(tls ? 'secureConnection' : 'connection', () => (connections += 1));
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return {
    url: new URL(`${tls ? 'https' : 'http'}://127.0.0.1:${(http.address() as AddressInfo).port}/x`),
    connections: () => connections,
    [Symbol.asyncDispose]: async () => {
      http.close();
      http.closeAllConnections();
      await once(http, 'close');
    },
  };
}

function get(url: URL, blocks = new BlockPool(() => 128 * 1024)): RegistryRequest {
  return { method: 'GET', url, headers: {}, scopes: [], blocks };
}

const whole: RequestListener = (_, response) => {
  response.writeHead(200, { 'content-length': content.byteLength, etag: '"1"' }).end(content);
};

async function hashOf(
  response: RegistryResponse,
  { blocks, sizes }: { blocks?: BlockPool; sizes?: number[] } = {},
): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of response.body) {
    hash.update(chunk);
    sizes?.push(chunk.byteLength);
    blocks?.giveBack(chunk);
  }
  return hash.digest('hex');
}
const expected = createHash('sha256').update(content).digest('hex');

test.each(['http', 'https'])(
  'a large body over %s comes in blocks, its head as it was, and its connection serves the next',
  async (scheme) => {
    const { ca, server: tls } = await testAuthority();
    await using host = await server(whole, scheme === 'https' ? tls : undefined);
    await using client = sender(ca);
    const blocks = new BlockPool(() => 128 * 1024);
    for (let round = 0; round < 6; round += 1) {
      const response = await client.send(get(host.url, blocks));
      expect(response.headers).toMatchObject({ 'content-length': '3000000', etag: '"1"' });
      expect(Object.keys(response.headers).join()).not.toContain('oci');
      const sizes: number[] = [];
      expect(await hashOf(response, { blocks, sizes })).toBe(expected);
      expect(Math.max(...sizes)).toBe(128 * 1024);
    }
    // Of undici's pool, which opens a second before the first is free.
    expect(host.connections()).toBeLessThanOrEqual(2);
  },
);

test.each<[string, RequestListener]>([
  ['in chunks', (_, response) => void response.writeHead(200).end(content)],
  [
    'with a head that comes in pieces',
    ({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\nconte');
      setImmediate(() => socket.write(`nt-length: ${content.byteLength}\r\n\r\n`));
      setImmediate(() => socket.write(content));
    },
  ],
  [
    'behind an interim answer',
    (request, response) => {
      response.writeEarlyHints({ link: '</x>; rel=preload' });
      whole(request, response);
    },
  ],
])('a body %s comes as ever', async (_, listener) => {
  await using host = await server(listener);
  await using client = sender();
  expect(await hashOf(await client.send(get(host.url)))).toBe(expected);
});

test('what came before a connection broke is passed on', async () => {
  await using host = await server((_, response) => {
    response.writeHead(200, { 'content-length': content.byteLength });
    response.write(content.subarray(0, 700_000), () => response.destroy());
  });
  await using client = sender();
  const { body } = await client.send(get(host.url));
  let size = 0;
  const read = async (): Promise<void> => {
    for await (const chunk of body) size += chunk.byteLength;
  };
  await expect(read()).rejects.toMatchObject({ code: 'UND_ERR_SOCKET' });
  expect(size).toBe(700_000);
});

test('a body that trickles is passed on before its block is full', async () => {
  await using host = await server((_, response) => {
    response.writeHead(200, { 'content-length': content.byteLength });
    response.write(content.subarray(0, 1000));
  });
  await using client = sender();
  const { body } = await client.send(get(host.url));
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size === 1000) break;
  }
  expect(size).toBe(1000);
});

test('who does not read on makes the sender wait', async () => {
  let sent = 0;
  const block = Buffer.alloc(1024 * 1024);
  await using host = await server((_, response) => {
    response.writeHead(200, { 'content-length': 1e12 });
    const send = (): void => {
      sent += block.byteLength;
      response.write(block, send);
    };
    send();
  });
  await using client = sender();
  const { body } = await client.send(get(host.url));
  const reader = body[Symbol.asyncIterator]();
  await reader.next();
  let before = -1;
  while (before !== sent) {
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  expect(sent).toBeLessThan(64 * 1024 * 1024);
  await reader.return?.();
});

test('who stops reading ends the connection, and who aborts the body', async () => {
  let closed = 0;
  await using host = await server((_, response) => {
    response.on('close', () => (closed += 1));
    response.writeHead(200, { 'content-length': 1e12 }).write(content);
  });
  await using client = sender();
  const controller = new AbortController();
  const { body } = await client.send({ ...get(host.url), signal: controller.signal });
  const read = async (): Promise<void> => {
    for await (const chunk of body) if (chunk.byteLength > 0) controller.abort();
  };
  await expect(read()).rejects.toThrow('abort');
  await vi.waitFor(() => expect(closed).toBe(1), { timeout: 20_000 });
  const { body: other } = await client.send(get(host.url));
  for await (const chunk of other) if (chunk.byteLength > 0) break;
  await vi.waitFor(() => expect(closed).toBe(2), { timeout: 20_000 });
});

test('bytes behind the announced end are no part of the body, and the connection ends with them', async () => {
  const wrong: RequestListener = ({ socket }) => {
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${content.byteLength}\r\n\r\n`);
    socket.write(Buffer.concat([content, Buffer.from('and more')]));
  };
  await using host = await server(wrong);
  await using client = sender();
  expect(await hashOf(await client.send(get(host.url)))).toBe(expected);
  expect(await hashOf(await client.send(get(host.url)))).toBe(expected);
  expect(host.connections()).toBeGreaterThanOrEqual(2);
});
