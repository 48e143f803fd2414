import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { promisify } from 'node:util';

import { collect, temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import type { ServerOptions } from '../server-options.js';
import { startServer } from '../server.js';
import { closeListener, createListener, listen } from './listener.js';

async function start(change: Partial<ServerOptions> = {}) {
  const directory = await temporaryDirectory();
  const server = await startServer({
    listen: { host: '127.0.0.1', port: 0 },
    dataDir: directory.path,
    manager: { namespace: 'extensions', cacheDir: `${directory.path}/cache` },
    ...change,
  });
  const close = async (): Promise<void> => {
    await server.close({ graceMs: 1 });
    await directory.remove();
  };
  return { port: Number(new URL(server.url).port), [Symbol.asyncDispose]: close };
}

/** Everything that the server says to bytes as they are, until it closes. */
async function exchange(port: number, message: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(message);
  return Buffer.from(await collect(socket)).toString();
}

const get = (headers: string) => `GET /v2/ HTTP/1.1\r\n${headers}\r\n\r\n`;

test.each<[string, string, number]>([
  ['is no HTTP', 'hello\r\n\r\n', 400],
  ['has headers of more than 16 KiB', get(`host: localhost\r\nx: ${'x'.repeat(17_000)}`), 431],
  ['has more than 100 headers', get(`host: localhost\r\n${'a: b\r\n'.repeat(100)}c: d`), 431],
  ['has a header without a name', get('host: localhost\r\n: x'), 400],
  ['has no Host header', get('connection: close'), 400],
  ['has two Host headers', get('host: localhost\r\nhost: other.example'), 400],
  ['has the same Host header twice', get('host: localhost\r\nhost: localhost'), 400],
  ['has a Host header that is no name', get('host: a b'), 400],
  [
    'names another host in its target',
    'GET http://other.example/v2/ HTTP/1.1\r\nhost: localhost\r\n\r\n',
    400,
  ],
  [
    'has Content-Length and Transfer-Encoding',
    'PATCH /v2/ HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    400,
  ],
  [
    'has two lengths',
    'PATCH /v2/ HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\n',
    400,
  ],
  [
    'has a transfer encoding that does not end in chunked',
    'PATCH /v2/ HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked, gzip\r\n\r\n',
    400,
  ],
  ['ends its lines without a carriage return', 'GET /v2/ HTTP/1.1\nhost: localhost\n\n', 400],
  ['expects what is unknown', get('host: localhost\r\nexpect: 200-ok'), 417],
])('a request that %s is refused in the form of the specification', async (_, message, status) => {
  await using server = await start();
  const answer = await exchange(server.port, message);
  const [head = '', body = ''] = answer.split('\r\n\r\n', 2);
  expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(head.toLowerCase()).toContain('content-type: application/json');
  expect(JSON.parse(unchunked(body))).toEqual({
    errors: [{ code: expect.any(String), message: expect.any(String) }],
  });
});

function unchunked(body: string): string {
  return /\{.*\}/s.exec(body)?.[0] ?? '';
}

test.each([
  ['an answer that has begun', ['/first']],
  ['an answer that has begun, with another one due', ['/first', '/second']],
])('what is no HTTP ends the connection within %s, and adds nothing to it', async (_, paths) => {
  const server = createListener(
    ({ url }, response) => {
      if (url !== '/first') return;
      response.writeHead(200, { 'content-length': 10 });
      response.write('begun');
    },
    { connections: { most: 10, mostOfOne: 10, isShared: () => true } },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1').setEncoding('utf8');
  socket
    .on('error', () => {})
    .write(paths.map((path) => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`).join(''));
  let answer = '';
  socket.on('data', (text: string) => (answer += text));
  while (!answer.endsWith('begun')) await once(socket, 'data');
  socket.write('no HTTP\r\n\r\n');
  await once(socket, 'close');
  server.close();
  expect(answer).toMatch(/^HTTP\/1.1 200 [^]*\r\n\r\nbegun$/);
});

test('headers and silence have their bounds', () => {
  const connections = { most: 1, mostOfOne: 1, isShared: () => false };
  expect(createListener(() => {}, { connections })).toMatchObject({
    headersTimeout: 20_000,
    keepAliveTimeout: 65_000,
    timeout: 300_000,
    maxHeadersCount: 101,
  });
});

test('a TLS handshake that does not come ends the connection', async () => {
  const connections = { most: 9, mostOfOne: 9, isShared: () => true };
  const listener = createListener(() => {}, {
    tls: await rsaCertificate(),
    connections,
    handshakeMs: 20,
  });
  const { port } = await listen(listener, { host: '127.0.0.1', port: 0 });
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'close');
  expect(socket.bytesRead).toBe(0);
  await closeListener(listener);
});

test('a target in absolute form is read as one in origin form', async () => {
  await using server = await start();
  const message = `GET http://localhost/v2/ HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`;
  expect(await exchange(server.port, message)).toMatch(/^HTTP\/1.1 200 /);
});

test('a body is asked for only once its sender may send it', async () => {
  const hash = `sha256:${'0'.repeat(64)}`;
  await using server = await start({ access: { tokens: [{ name: 'ci', hash }] } });
  const message =
    'POST /v2/a/blobs/uploads/ HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n';
  expect(await exchange(server.port, message)).toMatch(/^HTTP\/1.1 401 /);
});

test.each(['AES128-GCM-SHA256', 'AES256-SHA256', 'ECDHE-RSA-AES128-SHA'])(
  'TLS does not agree on %s, which lacks forward secrecy or authenticated encryption',
  async (weak) => {
    await using server = await start({ tls: await rsaCertificate() });
    const handshake = (ciphers: string) =>
      new Promise<string>((resolve, reject) => {
        const socket = connectTls({
          port: server.port,
          host: '127.0.0.1',
          rejectUnauthorized: false,
          ciphers,
          maxVersion: 'TLSv1.2',
        });
        socket.on('error', reject).on('secureConnect', () => {
          resolve(socket.getCipher().name);
          socket.destroy();
        });
      });
    await expect(handshake(weak)).rejects.toThrow(/handshake/);
    expect(await handshake('ECDHE+AESGCM')).toMatch(/^ECDHE-RSA-AES256-GCM/);
  },
);

/** A key of RSA, the only kind that allows a session without forward secrecy. */
async function rsaCertificate(): Promise<{ cert: string; key: string }> {
  await using directory = await temporaryDirectory();
  const args = 'req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -keyout key -out cert';
  await promisify(execFile)('openssl', args.split(' '), { cwd: directory.path });
  const read = (name: string) => readFile(join(directory.path, name), 'utf8');
  return { cert: await read('cert'), key: await read('key') };
}
