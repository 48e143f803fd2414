import { once } from 'node:events';
import { readFile, readdir } from 'node:fs/promises';
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import { type TLSSocket, type TlsOptions, createServer as createTlsServer } from 'node:tls';
import { join } from 'node:path';

import { type TransferEvent, parseRepositoryName } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import {
  type TemporaryDirectory,
  compile,
  randomBytes,
  run,
  startRegistry,
  temporaryDirectory,
  testAuthority,
} from '@oci/testing';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { type Registry, createRegistry } from '../../registry.js';
import type { RegistryOptions } from '../../registry-options.js';
import { DownloadWorker } from './download-workers.js';

const bytes = randomBytes(501, 3_000_000);
const blob = { mediaType: 'a/b', digest: digestOf(bytes), size: bytes.byteLength };
const download = {
  connections: 4,
  segmentBytes: 512 * 1024,
  leastBytes: 64 * 1024,
  parallelFrom: 1_000_000,
  enoughBytesPerSecond: Infinity,
  workers: 2,
};

let work: TemporaryDirectory;
let path: string;
const posted = vi.spyOn(DownloadWorker.prototype, 'post');

beforeEach(async () => {
  work = await temporaryDirectory();
  path = join(work.path, 'blob');
  posted.mockClear();
});
afterEach(() => work.remove());

/** Messages of a type that workers got. */
const told = (type: string): number => posted.mock.calls.filter(([, m]) => m.type === type).length;

function client(url: string, options: Partial<RegistryOptions> = {}): Registry {
  return createRegistry({ url, download, retry: { delay: async () => {} }, ...options });
}

async function expectWhole(): Promise<void> {
  expect(digestOf(await readFile(path))).toBe(blob.digest);
  expect(await readdir(work.path)).toEqual(['blob']);
}

interface Asked {
  readonly start: number;
  readonly end: number;
  readonly isRange: boolean;
}

type Responder = (asked: Asked, socket: Socket, count: number) => void;

/** A server that answers each request for a range as it is told, byte by byte. */
async function rawServer(
  respond: Responder,
  tls?: TlsOptions,
): Promise<{
  url: string;
  requests: string[];
  sockets: Set<Socket>;
  [Symbol.asyncDispose]: () => Promise<void>;
}> {
  const sockets = new Set<Socket>();
  const requests: string[] = [];
  const accept = (socket: Socket): void => {
    sockets.add(socket.on('error', () => {}));
    socket.on('close', () => sockets.delete(socket));
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (!text.endsWith('\r\n\r\n')) return;
      requests.push(text);
      const [, first, last] = /range: bytes=(\d+)-(\d+)/.exec(text) ?? [];
      text = '';
      const start = Number(first ?? 0);
      const end = last === undefined ? blob.size : Number(last) + 1;
      respond({ start, end, isRange: last !== undefined }, socket, requests.length);
    });
  };
  const server: Server = tls ? createTlsServer(tls, accept) : createServer(accept);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    sockets,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

const head = (start: number, end: number, more = ''): string =>
  `HTTP/1.1 206 Partial Content\r\ncontent-range: bytes ${start}-${end - 1}/${blob.size}\r\n${more}`;
const plainHead = (start: number, end: number): string =>
  head(start, end, `content-length: ${end - start}\r\n\r\n`);
const wholeHead = `HTTP/1.1 200 OK\r\ncontent-length: ${blob.size}\r\n\r\n`;

const plain: Responder = ({ start, end, isRange }, socket) => {
  socket.write(isRange ? plainHead(start, end) : wholeHead);
  socket.write(bytes.subarray(start, end));
};

test('workers write a large blob, over connections that are used again', async () => {
  const connections = new Set<Socket>();
  await using server = await rawServer((range, socket, count) => {
    connections.add(socket);
    plain(range, socket, count);
  });
  await using registry = client(server.url);
  await registry.repository('a/b').downloadBlob(blob, path);
  await expectWhole();
  expect(told('receive')).toBe(server.requests.length);
  expect(connections.size).toBeLessThanOrEqual(download.connections + 1);
  expect(connections.size).toBeLessThan(server.requests.length);
});

test.each<[string, Responder]>([
  [
    'chunks',
    ({ start, end }, socket) => {
      socket.write(head(start, end, 'transfer-encoding: chunked\r\n\r\n'));
      socket.write(`${(end - start).toString(16)}\r\n`);
      socket.write(bytes.subarray(start, end));
      socket.write('\r\n0\r\n\r\n');
    },
  ],
  [
    'no length',
    ({ start, end }, socket) => {
      socket.write(head(start, end, 'connection: close\r\n\r\n'));
      socket.end(bytes.subarray(start, end));
    },
  ],
  [
    'an interim answer first',
    ({ start, end }, socket) => {
      socket.write(`HTTP/1.1 103 Early Hints\r\n\r\n${plainHead(start, end)}`);
      socket.write(bytes.subarray(start, end));
    },
  ],
])('what comes with %s is fetched by the main thread', async (_, respond) => {
  await using server = await rawServer(respond);
  await using registry = client(server.url);
  await registry.repository('a/b').downloadBlob(blob, path);
  await expectWhole();
  expect(told('request')).toBeGreaterThan(0);
  expect(told('receive')).toBe(0);
});

test('a head that comes byte by byte is read, and one cut between two packets', async () => {
  await using server = await rawServer(({ start, end }, socket) => {
    void (async () => {
      for (const byte of plainHead(start, end)) {
        socket.write(byte);
        await new Promise(setImmediate);
      }
      socket.write(bytes.subarray(start, end));
    })();
  });
  await using registry = client(server.url, { download: { ...download, segmentBytes: 2 ** 20 } });
  await registry.repository('a/b').downloadBlob(blob, path);
  await expectWhole();
  expect(told('receive')).toBe(server.requests.length);
});

test('a connection that brings more than its body is not used again', async () => {
  const used = new Map<Socket, number>();
  await using server = await rawServer(({ start, end }, socket) => {
    used.set(socket, (used.get(socket) ?? 0) + 1);
    const next = plainHead(0, 10);
    socket.write(
      Buffer.concat([
        Buffer.from(plainHead(start, end)),
        bytes.subarray(start, end),
        Buffer.from(`${next}0123456789`),
      ]),
    );
  });
  await using registry = client(server.url);
  await registry.repository('a/b').downloadBlob(blob, path);
  await expectWhole();
  expect([...used.values()].every((count) => count === 1)).toBe(true);
});

test('an idle connection that the server ends is replaced', async () => {
  await using server = await rawServer((range, socket, count) => {
    plain(range, socket, count);
    if (count === 1) socket.end();
  });
  await using registry = client(server.url, { download: { ...download, connections: 1 } });
  const events: TransferEvent[] = [];
  const onEvent = (event: TransferEvent): void => void events.push(event);
  await registry.repository('a/b').downloadBlob(blob, path, { onEvent });
  await registry.repository('a/b').downloadBlob(blob, path, { onEvent });
  await expectWhole();
  expect(events.filter(({ type }) => type === 'retry')).toEqual([]);
});

test('an abort ends the connections at once', async () => {
  const never = new Set<Socket>();
  await using server = await rawServer(({ start, end }, socket) => {
    never.add(socket);
    socket.write(plainHead(start, end));
    socket.write(bytes.subarray(start, start + 1000));
  });
  await using registry = client(server.url);
  const controller = new AbortController();
  const running = registry
    .repository('a/b')
    .downloadBlob(blob, path, { signal: controller.signal });
  await expect.poll(() => never.size).toBe(download.connections);
  controller.abort();
  await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
  await expect.poll(() => [...never].every(({ closed }) => closed)).toBe(true);
});

test('closing the registry ends what workers do for it', async () => {
  await using server = await rawServer(({ start, end }, socket) => {
    socket.write(plainHead(start, end));
  });
  const registry = client(server.url);
  const running = registry.repository('a/b').downloadBlob(blob, path);
  const ended = running.catch((error: unknown) => error);
  await expect.poll(() => told('receive')).toBeGreaterThan(0);
  await registry.close();
  expect(await ended).toMatchObject({ code: 'ABORTED' });
  await expect.poll(() => server.sockets.size).toBe(0);
});

test('a worker that dies is followed by the main thread', async () => {
  let isKilled = false;
  await using server = await rawServer((range, socket, count) => {
    plain(range, socket, count);
    if (isKilled || count < 3) return;
    isKilled = true;
    for (const worker of posted.mock.contexts as DownloadWorker[]) void worker.end();
  });
  await using registry = client(server.url);
  await registry.repository('a/b').downloadBlob(blob, path);
  expect(isKilled).toBe(true);
  await expectWhole();
  posted.mockClear();
  await registry.repository('a/b').downloadBlob(blob, path);
  await expectWhole();
  expect(told('request')).toBe(0);
});

test('there are no workers below a bandwidth limit, nor without leave', async () => {
  await using server = await rawServer(plain);
  for (const options of [
    { bytesPerSecond: 1_000_000_000 },
    { download: { ...download, workers: 0 } },
    { download: { ...download, parallelFrom: 1e9 } },
  ]) {
    await using registry = client(server.url, options);
    await registry.repository('a/b').downloadBlob(blob, path);
    await expectWhole();
  }
  expect(told('request')).toBe(0);
});

test('many small blobs share a worker, and a lone one has none', async () => {
  const quarter = bytes.subarray(0, 300_000);
  const small = { ...blob, digest: digestOf(quarter), size: quarter.byteLength };
  const answer: Responder = (_, socket) => {
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${small.size}\r\n\r\n`);
    socket.write(quarter);
  };
  await using many = await rawServer(answer);
  await using other = client(many.url);
  await other.repository('a/b').downloadBlob(small, join(work.path, 'alone'));
  expect(told('request')).toBe(0);
  const files = Array.from({ length: 8 }, (_, at) => join(work.path, String(at)));
  await Promise.all(files.map((file) => other.repository('a/b').downloadBlob(small, file)));
  for (const file of files) expect(digestOf(await readFile(file))).toBe(small.digest);
  expect(told('receive')).toBeGreaterThanOrEqual(5);
});

test('honours the authority, and leave to skip verification', async () => {
  await using secure = await startRegistry({ tls: true });
  const { ca } = secure;
  secure.putBlob(parseRepositoryName('a/b'), bytes);
  const attempt = async (options: Partial<RegistryOptions>): Promise<void> => {
    await using registry = client(secure.url, options);
    await registry.repository('a/b').downloadBlob(blob, path);
    await expectWhole();
  };
  await attempt({ ca });
  await attempt({ insecure: true });
  expect(told('receive')).toBeGreaterThan(1);
  await expect(attempt({})).rejects.toMatchObject({ code: 'TLS' });
});

test('shows the client certificate, and trusts the authority that was named', async () => {
  const { ca, server: own, client: clientCertificate } = await testAuthority();
  const shown = new Set<boolean>();
  const respond: Responder = (asked, socket, count) => {
    // Connections of the main thread are not made for parts of a blob.
    shown.add((socket as TLSSocket).authorized);
    plain(asked, socket, count);
  };
  await using secure = await rawServer(respond, { ...own, ca, requestCert: true });
  await using registry = client(secure.url, { ca, clientCertificate });
  await registry.repository('a/b').downloadBlob(blob, path);
  await expectWhole();
  expect([...shown]).toEqual([true]);
  expect(told('receive')).toBe(secure.requests.length);
});

test.each([true, false])(
  'a bundle downloads with the file of the worker: %s',
  async (hasWorker) => {
    await using server = await rawServer(plain);
    const program = await compile(
      `import { createRegistry } from '../../registry.js';
     import { DownloadWorker } from './download-workers.js';
     const [url, blob, path] = process.argv.slice(2);
     let posted = 0;
     const { post } = DownloadWorker.prototype;
     DownloadWorker.prototype.post = function (...args) {
       posted += 1;
       return post.apply(this, args);
     };
     await using registry = createRegistry({ url, download: ${JSON.stringify({ ...download, enoughBytesPerSecond: 0 })} });
     await registry.repository('a/b').downloadBlob(JSON.parse(blob), path);
     process.stdout.write(String(posted > 0));`,
      { from: import.meta.url, directory: work.path, hasWorker },
    );
    const result = await run(process.execPath, [program, server.url, JSON.stringify(blob), path]);
    expect(result).toMatchObject({ exitCode: 0, stderr: '', stdout: String(hasWorker) });
    expect(digestOf(await readFile(path))).toBe(blob.digest);
  },
);
