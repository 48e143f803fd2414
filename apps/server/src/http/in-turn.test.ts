import { once } from 'node:events';
import { type ServerResponse, createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';

import { expect, test } from 'vitest';

import { inTurn } from './in-turn.js';

/** A server that answers nothing by itself, and what it was asked for. */
async function holding() {
  const asked: { readonly url: string; readonly response: ServerResponse }[] = [];
  const server = createServer(
    inTurn(({ url = '' }, response) => {
      asked.push({ url, response });
      server.emit('asked');
    }),
  );
  const parsed: unknown[] = [];
  server.on('request', (request) => parsed.push(request));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  const send = async (...paths: readonly string[]): Promise<void> => {
    socket.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`).join(''));
    const wanted = parsed.length + paths.length;
    while (parsed.length < wanted) await once(server, 'request');
  };
  const close = async (): Promise<void> => {
    socket.destroy();
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  return { server, socket, send, asked, [Symbol.asyncDispose]: close };
}

test('of requests that are sent at once only the first is handled until its answer has ended', async () => {
  await using here = await holding();
  await here.send('/1', '/2', '/3');
  for (const at of [1, 2, 3]) {
    expect(here.asked.map(({ url }) => url)).toEqual(['/1', '/2', '/3'].slice(0, at));
    const next = at < 3 ? once(here.server, 'asked') : undefined;
    here.asked[at - 1]?.response.end(`answer ${at}`);
    await next;
  }
});

test('behind an answer that ends the connection nothing is done', async () => {
  await using here = await holding();
  await here.send('/1', '/2');
  const gone = once(here.socket.resume(), 'close');
  here.asked[0]?.response.setHeader('connection', 'close').end();
  await gone;
  expect(here.asked.map(({ url }) => url)).toEqual(['/1']);
});
