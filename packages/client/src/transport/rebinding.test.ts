import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, LookupFunction } from 'node:net';

import { afterAll, describe, expect, test, vi } from 'vitest';

import { defaultTimeouts } from './connection-options.js';
import { createSend } from './send.js';
import { takeWorker, useWorkers } from './worker/download-workers.js';
import type { FilePlace } from './worker/file-place.js';

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

/** A place that nothing is written to, since no answer comes. */
const place: FilePlace = {
  path: 'none',
  file: -1,
  journal: -1,
  position: 0,
  end: 1,
  take: () => {
    const worker = takeWorker(1);
    return worker && { worker, hash: undefined };
  },
};

async function visit(asked: {
  readonly ofAll?: boolean;
  readonly anywhere?: boolean;
  readonly into: FilePlace | undefined;
}): Promise<{ visits: number; outcome: unknown }> {
  const endWorkers = useWorkers();
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
    publicOnly: asked.ofAll ?? false,
  });
  const url = new URL(`http://rebound.example:${port}/`);
  const request = {
    method: 'GET',
    url,
    headers: {},
    scopes: [],
    publicOnly: !asked.ofAll && !asked.anywhere,
    into: asked.into,
  } as const;
  const outcome: unknown = await send(request).catch((thrown: unknown) => thrown);
  await close();
  await endWorkers();
  server.close();
  await once(server, 'close');
  return { visits, outcome };
}

describe.each([
  ['the pooled connections', undefined],
  ['a worker', place],
])('by %s', (_, into) => {
  test('a name that points into our own network is not connected to (regclient 0.11.5)', async () => {
    answers.push([internal]);
    expect(await visit({ into })).toMatchObject({ visits: 0, outcome: { code: 'POLICY_REFUSED' } });
  });

  test('nor one that has such an address among others', async () => {
    answers.push([elsewhere, internal]);
    expect(await visit({ into })).toMatchObject({ visits: 0, outcome: { code: 'POLICY_REFUSED' } });
  });

  test('nor one that is looked up as an address and points elsewhere a moment later', async () => {
    // The answer that was judged is the one that is connected to: there is no second question.
    answers.push([elsewhere], [internal]);
    const { visits, outcome } = await visit({ into });
    expect(visits).toBe(0);
    expect(outcome).toMatchObject({ code: expect.stringMatching(/^(TIMEOUT|NETWORK)$/) });
    expect(answers).toHaveLength(1);
    answers.length = 0;
  });

  test('nor one of a registry that is reached at public addresses only', async () => {
    answers.push([elsewhere, internal]);
    const seen = await visit({ ofAll: true, into });
    expect(seen).toMatchObject({ visits: 0, outcome: { code: 'POLICY_REFUSED' } });
  });
});

test('a worker connects to the addresses that were looked up, and looks up nothing itself', async () => {
  // No other name server knows the name.
  answers.push([internal]);
  expect(await visit({ into: place, anywhere: true })).toMatchObject({
    visits: 1,
    outcome: { status: 200 },
  });
});
