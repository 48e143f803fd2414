import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, LookupFunction } from 'node:net';

import { afterAll, expect, test, vi } from 'vitest';

import { defaultTimeouts } from './connection-options.js';
import { createSend } from './send.js';

/** What the name server of an attacker answers, one answer after the other. */
const answers: { address: string; family: number }[][] = [];

// Modules are shared among test files; those that see the replaced one must not be.
vi.hoisted(() => vi.resetModules());
afterAll(() => vi.resetModules());
vi.mock('node:dns', () => ({
  lookup: ((_name, _options, callback) => {
    const answer = answers.shift() ?? [];
    callback(null, answer);
  }) satisfies LookupFunction,
}));

const internal = { address: '127.0.0.1', family: 4 };
/** Of the global unicast space, and given to nobody. */
const elsewhere = { address: '2d00::5', family: 6 };

async function visit(
  asked: { readonly ofAll: boolean } = { ofAll: false },
): Promise<{ visits: number; outcome: unknown }> {
  let visits = 0;
  const server = createServer((_request, response) => {
    visits += 1;
    response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { send, close } = createSend({
    timeouts: { ...defaultTimeouts, connectMs: 300 },
    origin: new URL('https://registry.example'),
    proxy: () => undefined,
    userAgent: 'test',
    publicOnly: asked.ofAll,
  });
  const url = new URL(`http://rebound.example:${port}/`);
  const request = {
    method: 'GET',
    url,
    headers: {},
    scopes: [],
    publicOnly: !asked.ofAll,
  } as const;
  const outcome: unknown = await send(request).catch((thrown: unknown) => thrown);
  await close();
  server.close();
  await once(server, 'close');
  return { visits, outcome };
}

test('a name that points into our own network is not connected to (regclient 0.11.5)', async () => {
  answers.push([internal]);
  expect(await visit()).toMatchObject({ visits: 0, outcome: { code: 'POLICY_REFUSED' } });
});

test('nor one that has such an address among others', async () => {
  answers.push([elsewhere, internal]);
  expect(await visit()).toMatchObject({ visits: 0, outcome: { code: 'POLICY_REFUSED' } });
});

test('nor one that is looked up as an address and points elsewhere a moment later', async () => {
  // The answer that was judged is the one that is connected to: there is no second question.
  answers.push([elsewhere], [internal]);
  const { visits, outcome } = await visit();
  expect(visits).toBe(0);
  expect(outcome).toMatchObject({ code: expect.stringMatching(/^(TIMEOUT|NETWORK)$/) });
  expect(answers).toHaveLength(1);
  answers.length = 0;
});

test('nor one of a registry that is reached at public addresses only', async () => {
  answers.push([elsewhere, internal]);
  const seen = await visit({ ofAll: true });
  expect(seen).toMatchObject({ visits: 0, outcome: { code: 'POLICY_REFUSED' } });
});
