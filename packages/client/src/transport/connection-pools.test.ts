import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createSecureServer } from 'node:http2';
import { type Server, createServer } from 'node:https';
import { type AddressInfo, type Socket, connect } from 'node:net';
import type { TLSSocket } from 'node:tls';

import { startRegistry, testAuthority } from '@oci/testing';
import { expect, test } from 'vitest';

import { proxyPolicy } from '../proxy/proxy-policy.js';
import type { RegistryRequest } from './exchange.js';
import { followRedirects } from './redirect.js';
import { type ConnectionOptions, defaultTimeouts } from './connection-options.js';
import { createSend } from './send.js';

function sender(change: Partial<ConnectionOptions>) {
  const { send, close } = createSend({
    timeouts: defaultTimeouts,
    origin: new URL('https://127.0.0.1:1'),
    proxy: () => undefined,
    userAgent: 'test',
    ...change,
  });
  return { send, follow: followRedirects(send), [Symbol.asyncDispose]: close };
}

function get(url: string, change: Partial<RegistryRequest> = {}): RegistryRequest {
  return { method: 'GET', url: new URL(url), headers: {}, scopes: [], ...change };
}

/** An HTTPS server that says whether it saw a client certificate, and redirects when it is told to. */
async function tlsServer(redirectTo = (): string | undefined => undefined) {
  const { ca, server } = await testAuthority();
  const seen: boolean[] = [];
  const https: Server = createServer({
    ...server,
    ca,
    requestCert: true,
    rejectUnauthorized: false,
  });
  https.on('request', (request, response) => {
    seen.push((request.socket as TLSSocket).authorized);
    const location = request.url === '/redirect' ? redirectTo() : undefined;
    response.writeHead(location === undefined ? 200 : 307, location ? { location } : {}).end();
  });
  https.listen(0, '127.0.0.1');
  await once(https, 'listening');
  const { port } = https.address() as AddressInfo;
  return {
    url: `https://127.0.0.1:${port}`,
    port,
    seen,
    [Symbol.asyncDispose]: async () => {
      https.close();
      https.closeAllConnections();
      await once(https, 'close');
    },
  };
}

/** A proxy on loopback that notes whom it was asked to reach. */
async function startProxy(wants?: string) {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const proxy = createHttpServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.end('from the proxy');
  });
  proxy.on('connection', (socket) => sockets.add(socket.on('error', () => {})));
  proxy.on('connect', (request, client: Socket) => {
    asked.push(`CONNECT ${request.url}`);
    if (wants !== undefined && request.headers['proxy-authorization'] !== wants) {
      client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    const port = Number(request.url?.split(':').at(-1));
    const server = connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      server.pipe(client).pipe(server);
    });
    sockets.add(server.on('error', () => client.destroy()));
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const { port } = proxy.address() as AddressInfo;
  return {
    port,
    asked,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      proxy.close();
      await once(proxy, 'close');
    },
  };
}

test('a client certificate is for the exact origin, and not for a port of it or behind a redirect (GHSA-h3wm-jjqf-8jm2)', async () => {
  const { ca, client } = await testAuthority();
  await using elsewhere = await tlsServer(() => `${registry.url}/back`);
  await using registry = await tlsServer(() => `${elsewhere.url}/redirect`);
  await using here = sender({ origin: new URL(registry.url), ca, clientCertificate: client });
  await (await here.follow(get(registry.url))).body.dump();
  expect(registry.seen).toEqual([true]);
  await (await here.follow(get(`${registry.url}/redirect`))).body.dump();
  expect(elsewhere.seen).toEqual([false]);
  // It comes back to the registry, but not of our own accord.
  expect(registry.seen).toEqual([true, true, false]);
});

test('insecure is for the registry, and not for where it leads (CVE-2019-10214)', async () => {
  const { ca } = await testAuthority();
  await using registry = await tlsServer();
  const origin = new URL(registry.url);
  await using here = sender({ origin, insecure: true });
  await (await here.send(get(registry.url))).body.dump();
  const other = get(`https://localhost:${registry.port}`);
  await expect(here.send(other)).rejects.toMatchObject({ code: 'TLS' });
  await using trusting = sender({ origin, insecure: true, ca });
  expect(await trusting.send(other)).toMatchObject({ status: 200 });
});

test('a proxy is used for HTTPS by a tunnel that it can not see into, and for HTTP', async () => {
  const { ca, client } = await testAuthority();
  await using registry = await tlsServer();
  await using proxy = await startProxy();
  const address = `http://127.0.0.1:${proxy.port}`;
  // Loopback is never behind a proxy, so the policy is the test's own.
  await using here = sender({
    origin: new URL(registry.url),
    ca,
    clientCertificate: client,
    proxy: () => new URL(address),
  });
  expect(await here.send(get(registry.url))).toMatchObject({ status: 200 });
  expect(registry.seen).toEqual([true]);
  const plain = await here.send(get('http://registry.example/v2/'));
  await plain.body.dump();
  expect(proxy.asked).toEqual([
    `CONNECT 127.0.0.1:${registry.port}`,
    'GET http://registry.example/v2/',
  ]);
});

test('a proxy is used for a blob host that a registry redirects to, as for the registry', async () => {
  await using proxy = await startProxy();
  await using registry = await startRegistry();
  registry.fault({ path: '/v2/', redirect: () => 'http://blobs.example/x' });
  await using here = sender({
    origin: new URL(registry.url),
    proxy: proxyPolicy({ httpProxy: `127.0.0.1:${proxy.port}` }),
  });
  await (await here.follow(get(`${registry.url}/v2/`))).body.dump();
  expect(proxy.asked).toEqual(['GET http://blobs.example/x']);
});

test('a password of a proxy goes to the proxy, and into no message', async () => {
  const { ca } = await testAuthority();
  await using registry = await tlsServer();
  const wants = `Basic ${Buffer.from('me:sec ret').toString('base64')}`;
  await using proxy = await startProxy(wants);
  const through = (user: string) =>
    sender({
      origin: new URL(registry.url),
      ca,
      proxy: () => new URL(`http://${user}@127.0.0.1:${proxy.port}`),
    });
  await using here = through('me:sec%20ret');
  expect(await here.send(get(registry.url))).toMatchObject({ status: 200 });
  await using wrong = through('me:other-secret');
  const error: unknown = await wrong.send(get(registry.url)).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    code: 'NETWORK',
    message: expect.stringContaining(`through the proxy 127.0.0.1:${proxy.port}`),
  });
  expect(JSON.stringify(error) + String(error)).not.toContain('other-secret');
});

test('a proxy that is not there is named', async () => {
  await using here = sender({ proxy: () => new URL('http://127.0.0.1:1') });
  await expect(here.send(get('https://registry.example'))).rejects.toMatchObject({
    code: 'NETWORK',
    message: expect.stringContaining('(through the proxy 127.0.0.1:1)'),
    hint: expect.stringContaining('HTTPS_PROXY'),
  });
});

test.each(['http://127.0.0.1/x', 'http://[::ffff:10.0.0.1]/x', 'http://localhost/x'])(
  'behind a proxy, too, %s is refused where only the public may be',
  async (url) => {
    await using proxy = await startProxy();
    await using here = sender({ proxy: () => new URL(`http://127.0.0.1:${proxy.port}`) });
    const failing = here.send(get(url, { publicOnly: true }));
    await expect(failing).rejects.toMatchObject({ code: 'POLICY_REFUSED' });
    expect(proxy.asked).toEqual([]);
  },
);

test('an address that is written as one is refused without a look-up', async () => {
  await using registry = await startRegistry();
  await using here = sender({});
  const failing = here.send(get(registry.url, { publicOnly: true }));
  await expect(failing).rejects.toMatchObject({ code: 'POLICY_REFUSED' });
  expect(registry.requests).toEqual([]);
});

test('a certificate or a key that is none is told as that', async () => {
  const clientCertificate = { cert: 'no PEM', key: 'secret key' };
  await using here = sender({ origin: new URL('https://127.0.0.1:1'), clientCertificate });
  const error: unknown = await here
    .send(get('https://127.0.0.1:1'))
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'CONFIG_INVALID', hint: expect.stringContaining('PEM') });
  expect(String(error)).not.toContain('secret key');
});

test('a proxy that speaks HTTPS is verified, and sees no client certificate (GHSA-whvf-jp7m-59f3)', async () => {
  const { ca, server, client } = await testAuthority();
  const seen: boolean[] = [];
  const proxy = createServer({ ...server, ca, requestCert: true, rejectUnauthorized: false });
  const sockets = new Set<Socket>();
  proxy.on('connect', (request, socket: Socket) => {
    seen.push((socket as TLSSocket).authorized);
    const port = Number(request.url?.split(':').at(-1));
    const target = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      target.pipe(socket).pipe(target);
    });
    for (const each of [socket, target]) sockets.add(each.on('error', () => {}));
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const { port } = proxy.address() as AddressInfo;
  await using registry = await tlsServer();
  const through = (change: Partial<ConnectionOptions>) =>
    sender({
      origin: new URL(registry.url),
      clientCertificate: client,
      proxy: () => new URL(`https://127.0.0.1:${port}`),
      ...change,
    });
  await using trusting = through({ ca });
  expect(await trusting.send(get(registry.url))).toMatchObject({ status: 200 });
  expect([seen, registry.seen]).toEqual([[false], [true]]);
  await using lax = through({ insecure: true });
  await expect(lax.send(get(registry.url))).rejects.toMatchObject({ code: 'TLS' });
  for (const socket of sockets) socket.destroy();
  proxy.close();
  await once(proxy, 'close');
});

test('a server that speaks HTTP/2 too is spoken to over HTTP/1.1, directly and through a proxy', async () => {
  const { ca, server } = await testAuthority();
  const versions: string[] = [];
  const both = createSecureServer({ ...server, allowHTTP1: true }, (request, response) => {
    versions.push(request.httpVersion);
    response.end();
  });
  both.listen(0, '127.0.0.1');
  await once(both, 'listening');
  await using proxy = await startProxy();
  const { port } = both.address() as AddressInfo;
  const through = new URL(`http://127.0.0.1:${proxy.port}`);
  for (const policy of [() => undefined, () => through]) {
    await using client = sender({ ca, proxy: policy });
    await (await client.send(get(`https://127.0.0.1:${port}/`))).body.dump();
  }
  both.close();
  expect(versions).toEqual(['1.1', '1.1']);
  expect(proxy.asked).toEqual([`CONNECT 127.0.0.1:${port}`]);
});
