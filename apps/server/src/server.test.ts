import { once } from 'node:events';
import { connect } from 'node:net';

import { createRegistry } from '@oci/client';
import { parseRepositoryName } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import { inChunks, randomBytes, temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import type { ServerOptions } from './server-options.js';
import { type RunningServer, startServer } from './server.js';

const name = parseRepositoryName('a/b');
const bytes = randomBytes(71, 100_000);
const blob = { mediaType: 'a/b', digest: digestOf(bytes), size: bytes.byteLength };

function start(dataDir: string, change: Partial<ServerOptions> = {}): Promise<RunningServer> {
  return startServer({
    listen: { host: '127.0.0.1', port: 0 },
    dataDir,
    manager: { namespace: 'extensions', cacheDir: `${dataDir}/cache` },
    ...change,
  });
}

test('keeps what was pushed over a restart', async () => {
  await using directory = await temporaryDirectory();
  const first = await start(directory.path);
  const pushing = createRegistry({ url: first.url });
  await pushing.repository(name).pushBlob(blob, inChunks(bytes, 10_000));
  await pushing.close();
  await first.close();
  const second = await start(directory.path);
  const asking = createRegistry({ url: second.url });
  expect(await asking.repository(name).hasBlob(blob)).toBe(true);
  await asking.close();
  await second.close();
});

test.each(['0.0.0.0', '::', 'registry.example'])(
  'does not serve HTTP to others at %s unless it is told to',
  async (host) => {
    await using directory = await temporaryDirectory();
    await expect(start(directory.path, { listen: { host, port: 0 } })).rejects.toMatchObject({
      code: 'POLICY_REFUSED',
      hint: expect.stringContaining('--allow-plain-http'),
    });
  },
);

test('serves HTTP to others when it is told to', async () => {
  await using directory = await temporaryDirectory();
  const listen = { host: '0.0.0.0', port: 0 };
  const server = await start(directory.path, { listen, allowPlainHttp: true });
  const { port } = new URL(server.url);
  expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
  await server.close();
});

test('says which port is in use, and what else to try', async () => {
  await using directory = await temporaryDirectory();
  const server = await start(directory.path);
  const listen = { host: '127.0.0.1', port: Number(new URL(server.url).port) };
  await expect(start(directory.path, { listen })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: `127.0.0.1:${listen.port} is in use`,
    hint: expect.stringContaining('--listen'),
  });
  await server.close();
});

test('closes at once when connections are idle', async () => {
  await using directory = await temporaryDirectory();
  const server = await start(directory.path);
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  socket.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await once(socket, 'data');
  const closed = once(socket.resume(), 'close');
  await server.close({ graceMs: 3_600_000 });
  await closed;
  await expect(fetch(`${server.url}/healthz`)).rejects.toThrow('fetch failed');
});

test('lets a request end that runs when it is closed', async () => {
  await using directory = await temporaryDirectory();
  const server = await start(directory.path);
  const port = Number(new URL(server.url).port);
  const socket = connect(port, '127.0.0.1');
  const path = `/v2/a/b/blobs/uploads/?digest=${blob.digest}`;
  socket.write(
    `POST ${path} HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: ${blob.size}\r\n\r\n`,
  );
  await once(socket, 'data');
  const closing = server.close({ graceMs: 3_600_000 });
  socket.write(bytes);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 201 /);
  socket.end();
  await closing;
});

test('cuts a request that does not end in time', async () => {
  await using directory = await temporaryDirectory();
  const server = await start(directory.path);
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  socket.on('error', () => {});
  socket.write(
    `POST /v2/a/b/blobs/uploads/?digest=${blob.digest} HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n`,
  );
  await once(socket, 'data');
  const cut = once(socket.resume(), 'close');
  await server.close({ graceMs: 1 });
  await cut;
  expect(socket.destroyed).toBe(true);
});
