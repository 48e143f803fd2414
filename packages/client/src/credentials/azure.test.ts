import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, type Server, type Socket, connect } from 'node:net';

import { ManagedIdentityCredential } from '@azure/identity';
import { collect, testAuthority, textOf } from '@oci/testing';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { azureCredentials } from './azure.js';

const registry = 'team.azurecr.io';

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function jwt(claims: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return [part({ alg: 'none' }), part(claims), 'signature'].join('.');
}

/** A machine of Azure with an identity, a registry, and a proxy that leads every name to the registry. */
async function startAzure() {
  const identityAsks: string[] = [];
  const exchanges: { url: string; form: Record<string, string> }[] = [];
  const targets: string[] = [];
  const sockets = new Set<Socket>();
  const state = { status: 200, headers: {} as Record<string, string>, lifetimeS: 3 * 3600 };

  const identity = createServer((request, response) => {
    identityAsks.push(request.url ?? '');
    response.writeHead(200, { 'content-type': 'application/json' });
    const expires_on = String(Math.floor(Date.now() / 1000) + 24 * 3600);
    response.end(JSON.stringify({ access_token: 'entra', expires_on, token_type: 'Bearer' }));
  });
  const exchange = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const form = Object.fromEntries(new URLSearchParams(textOf(await collect(request))));
    exchanges.push({ url: `${request.method} ${request.url}`, form });
    response.writeHead(state.status, { 'content-type': 'application/json', ...state.headers });
    const exp = Math.floor(Date.now() / 1000) + state.lifetimeS;
    response.end(JSON.stringify({ refresh_token: jwt({ exp, n: exchanges.length }) }));
  };
  const { server: certificate } = await testAuthority();
  const acr = createTlsServer(certificate, (request, response) => void exchange(request, response));
  const proxy = createServer();
  proxy.on('connect', (request: IncomingMessage, client: Socket) => {
    targets.push(request.url ?? '');
    const target = connect((acr.address() as AddressInfo).port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      target.pipe(client).pipe(target);
    });
    for (const socket of [client, target]) sockets.add(socket.on('error', () => {}));
  });
  const [identityPort, proxyPort] = [await listen(identity), await listen(proxy)];
  await listen(acr);
  return {
    identityAsks,
    exchanges,
    targets,
    state,
    endpoint: `http://127.0.0.1:${identityPort}/msi/token`,
    connection: {
      proxy: { httpsProxy: `http://127.0.0.1:${proxyPort}` },
      // The certificate is of 127.0.0.1, and the name that of a registry.
      insecure: true,
      retry: { delay: async () => {} },
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      for (const server of [identity, acr, proxy]) {
        server.closeAllConnections();
        server.close();
        await once(server, 'close');
      }
    },
  };
}

let azure: Awaited<ReturnType<typeof startAzure>>;
beforeEach(async () => {
  azure = await startAzure();
  // How App Service hands out the identity of an application.
  vi.stubEnv('IDENTITY_ENDPOINT', azure.endpoint);
  vi.stubEnv('IDENTITY_HEADER', 'header');
});
afterEach(async () => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
  await azure.close();
});

const source = () =>
  azureCredentials({ identity: new ManagedIdentityCredential(), connection: azure.connection });

test('a token of Entra ID is exchanged at the registry for one of its own', async () => {
  expect(await source()(registry)).toEqual({
    kind: 'refresh',
    token: expect.stringMatching(/^[\w-]+\.[\w-]+\.signature$/),
    from: 'Azure Container Registry',
  });
  const [asked] = azure.identityAsks;
  expect(asked).toContain(encodeURIComponent('https://containerregistry.azure.net'));
  expect(azure.targets).toEqual([`${registry}:443`]);
  expect(azure.exchanges).toEqual([
    {
      url: 'POST /oauth2/exchange',
      form: { grant_type: 'access_token', service: registry, access_token: 'entra' },
    },
  ]);
});

test('a token is exchanged once for all, and again when it was refused or is about to expire', async () => {
  const find = source();
  const all = await Promise.all([1, 2, 3].map(() => find(registry)));
  expect(new Set(all.map((each) => each?.kind === 'refresh' && each.token)).size).toBe(1);
  await find(registry, { fresh: true });
  expect(azure.exchanges).toHaveLength(2);
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3 * 3_600_000 - 60_000 });
  await find(registry);
  expect(azure.exchanges).toHaveLength(3);
});

test.each([
  'registry.example',
  'azurecr.io',
  'team.azurecr.io.example',
  'team.azurecr.io:8443',
  'evilazurecr.io',
  'a.b.azurecr.io',
])('%s gets nothing, and Azure is not asked', async (host) => {
  expect(await source()(host)).toBeUndefined();
  expect([azure.identityAsks, azure.targets]).toEqual([[], []]);
});

test('a registry that sends the token on to another host does not get it there', async () => {
  azure.state.status = 307;
  azure.state.headers = { location: 'https://evil.example/oauth2/exchange' };
  await expect(source()(registry)).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
  expect(azure.targets).toEqual([`${registry}:443`]);
});

test('an identity without a role at the registry is told so', async () => {
  azure.state.status = 401;
  await expect(source()(registry)).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
});
