import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { setImmediate as endOfTurn } from 'node:timers/promises';

import { collect } from '@oci/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { type Pace, readBody } from './request-body.js';

/** A server that answers with the length of a body, or with the status of its refusal. */
async function start(pace: Pace) {
  const answer = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      response.end(String((await collect(readBody(message, pace))).byteLength));
    } catch (error) {
      response.writeHead((error as { status: number }).status, { connection: 'close' }).end();
    }
  };
  const server = createServer((message, response) => void answer(message, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const send = () => {
    const sent = request({ port, host: '127.0.0.1', method: 'POST', agent: false });
    sent.on('error', () => {});
    return sent;
  };
  const close = async (): Promise<void> => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  return { send, [Symbol.asyncDispose]: close };
}

async function answerOf(sent: ReturnType<typeof request>): Promise<[number, string]> {
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return [response.statusCode ?? 0, Buffer.from(await collect(response)).toString()];
}

test('reads a body that arrives in time', async () => {
  await using server = await start({ graceMs: 60_000, bytesPerSecond: 1 });
  const sent = server.send();
  sent.end(Buffer.alloc(300_000));
  expect(await answerOf(sent)).toEqual([200, '300000']);
});

test('a body that stops is answered with 408', async () => {
  await using server = await start({ graceMs: 20, bytesPerSecond: 1024 });
  const sent = server.send();
  sent.write('beginning');
  expect(await answerOf(sent)).toEqual([408, '']);
});

test('a body that trickles is answered with 408, however long it goes on', async () => {
  await using server = await start({ graceMs: 50, bytesPerSecond: 0 });
  const sent = server.send();
  const trickle = setInterval(() => sent.write(' '), 5);
  expect(await answerOf(sent)).toEqual([408, '']);
  clearInterval(trickle);
});

describe('with a clock that stands', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** What comes of ten pieces, of which each arrives after 150 of 200 ms. */
  async function inPieces(bytesPerSecond: number) {
    const body = new PassThrough();
    const read = collect(
      readBody(body as unknown as IncomingMessage, { graceMs: 200, bytesPerSecond }),
    );
    const outcome = read.then(
      ({ byteLength }) => byteLength,
      ({ status }: { readonly status: number }) => status,
    );
    for (let piece = 0; piece < 10; piece += 1) {
      await endOfTurn();
      await vi.advanceTimersByTimeAsync(150);
      body.write('piece');
    }
    body.end();
    return outcome;
  }

  test('bytes that arrive give time back', async () => {
    expect(await inPieces(5)).toBe(50);
  });

  test('bytes that give too little back do not keep a body open', async () => {
    expect(await inPieces(100)).toBe(408);
  });
});
