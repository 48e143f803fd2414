import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, type Server, connect, createServer } from 'node:net';

import { parseRepositoryName, parseTag } from '@oci/spec-types';
import { type TestRegistry, image, startRegistry } from '@oci/testing';
import { expect, test, vi } from 'vitest';

import { type Registry, createRegistry } from '../registry.js';

const name = parseRepositoryName('team/app');
const tag = parseTag('1');

/** Counts the connections that come to a server. */
function counted(server: Server): { readonly opened: number; readonly open: number } {
  const count = { opened: 0, open: 0 };
  server.on('connection', (socket) => {
    count.opened += 1;
    count.open += 1;
    socket.on('error', () => {}).on('close', () => (count.open -= 1));
  });
  return count;
}

async function listening(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

async function fetchFrom(registry: Registry): Promise<string> {
  return (await registry.repository(name).fetch(tag)).descriptor.digest;
}

/** Passes connections on to a registry, those at the numbers of `broken` excepted. */
function frontOf(registry: TestRegistry, broken: readonly number[] = []): Server {
  const { hostname: host, port } = new URL(registry.url);
  let connections = 0;
  return createServer((socket) => {
    connections += 1;
    socket.on('error', () => {});
    if (broken.includes(connections)) {
      socket.destroy();
      return;
    }
    const upstream = connect({ host, port: Number(port) }).on('error', () => {});
    socket.pipe(upstream).pipe(socket);
  });
}

test.each([false, true])('is the connection of the first request (TLS: %s)', async (tls) => {
  await using server = await startRegistry({ tls });
  const artifact = image();
  server.putArtifact(name, '1', artifact);
  const front = frontOf(server);
  const count = counted(front);
  const registry = createRegistry({
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${await listening(front)}`,
    ...(server.ca !== undefined && { ca: server.ca }),
  });
  for (let request = 1; request <= 2; request += 1)
    expect(await fetchFrom(registry)).toBe(artifact.manifest.descriptor.digest);
  expect(count.opened).toBe(1);
  await registry.close();
  front.close();
});

test('is ended with the registry, though nothing was sent over it', async () => {
  const server = createServer();
  const count = counted(server);
  const registry = createRegistry({ url: `http://127.0.0.1:${await listening(server)}` });
  const stop = new AbortController();
  const fetching = registry.repository(name).fetch(tag, { signal: stop.signal });
  stop.abort();
  await expect(fetching).rejects.toMatchObject({ code: 'ABORTED' });
  await vi.waitFor(() => expect(count.opened).toBe(1), { timeout: 20_000 });
  await registry.close();
  await vi.waitFor(() => expect(count.open).toBe(0), { timeout: 20_000 });
  server.close();
});

test.each(['http', 'https'])('that is refused is told as any refusal (%s)', async (scheme) => {
  const server = createServer();
  const port = await listening(server);
  server.close();
  await once(server, 'close');
  const registry = createRegistry({
    url: `${scheme}://127.0.0.1:${port}`,
    retry: { attempts: 1 },
  });
  await expect(fetchFrom(registry)).rejects.toMatchObject({
    code: 'NETWORK',
    message: expect.stringContaining('refuses connections'),
  });
  await registry.close();
});

test('that the registry ends before it is used is begun anew', async () => {
  await using server = await startRegistry();
  const artifact = image();
  server.putArtifact(name, '1', artifact);
  const front = frontOf(server, [1]);
  const registry = createRegistry({
    url: `http://127.0.0.1:${await listening(front)}`,
    retry: { attempts: 2, delay: async () => {} },
  });
  expect(await fetchFrom(registry)).toBe(artifact.manifest.descriptor.digest);
  await registry.close();
  front.close();
});

test('is not begun where requests go through a proxy or to a mirror first', async () => {
  await using mirror = await startRegistry();
  const artifact = image();
  mirror.putArtifact(name, '1', artifact);
  const proxy = createHttpServer((_, response) => response.writeHead(502).end());
  const server = createServer();
  const count = counted(server);
  const url = `http://127.0.0.1:${await listening(server)}`;
  const httpProxy = `http://127.0.0.1:${await listening(proxy)}`;
  const mirrored = createRegistry({ url, mirrors: [{ location: mirror.url }] });
  expect(await fetchFrom(mirrored)).toBe(artifact.manifest.descriptor.digest);
  await mirrored.close();
  expect(count.opened).toBe(0);
  // Loopback is asked past every proxy, so whatever comes here of a request that was given up is a head start.
  const behind = createRegistry({ url, proxy: { httpProxy } });
  const stop = new AbortController();
  const given = behind.repository(name).fetch(tag, { signal: stop.signal });
  stop.abort();
  await expect(given).rejects.toMatchObject({ code: 'ABORTED' });
  const last = connect({ host: '127.0.0.1', port: Number(new URL(url).port) });
  await vi.waitFor(() => expect(count.opened).toBeGreaterThan(0), { timeout: 20_000 });
  expect(count.opened).toBe(1);
  last.destroy();
  await behind.close();
  server.close();
  proxy.close();
});
