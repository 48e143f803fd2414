import { once } from 'node:events';
import { type Server, createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';

import { expect, test } from 'vitest';

import { type ConnectionLimits, Connections } from './connections.js';

/** A server that answers nothing until it is told to. */
async function holding(limits: Partial<ConnectionLimits>) {
  const server: Server = createServer();
  new Connections({ most: 100, mostOfOne: 100, isShared: () => false, ...limits }).attach(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const open = async () => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'connect');
    return socket;
  };
  const close = async (): Promise<void> => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  return { server, open, [Symbol.asyncDispose]: close };
}

const request = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';

test('a connection that only stands makes room for a new one', async () => {
  await using here = await holding({ most: 2 });
  here.server.on('request', (_, response) => response.end('here'));
  const first = await here.open();
  await here.open();
  const gone = once(first.resume(), 'close');
  const third = await here.open();
  await gone;
  third.write(request);
  expect(String((await once(third, 'data'))[0])).toContain('200 OK');
});

test('a connection that made room is not counted for its address any more', async () => {
  await using here = await holding({ most: 2, mostOfOne: 3 });
  here.server.on('request', (_, response) => response.end('here'));
  for (let opened = 0; opened < 5; opened += 1) await here.open();
  const last = await here.open();
  last.write(request);
  expect(String((await once(last, 'data'))[0])).toContain('200 OK');
});

test('an address that has too many makes room for none of its own', async () => {
  await using here = await holding({ most: 2, mostOfOne: 2 });
  here.server.on('request', (_, response) => response.end('here'));
  const first = await here.open();
  await here.open();
  const third = await here.open();
  await once(third.resume(), 'close');
  first.write(request);
  expect(String((await once(first, 'data'))[0])).toContain('200 OK');
});

test('a connection with a request makes room for none', async () => {
  await using here = await holding({ most: 1 });
  const first = await here.open();
  first.write(request);
  const [, response] = await once(here.server, 'request');
  const second = await here.open();
  await once(second.resume(), 'close');
  response.end('still here');
  expect(String((await once(first, 'data'))[0])).toContain('still here');
});

test('one address does not take the connections of others', async () => {
  await using here = await holding({ mostOfOne: 1 });
  const first = await here.open();
  const second = await here.open();
  await once(second.resume(), 'close');
  expect([first.destroyed, second.destroyed]).toEqual([false, true]);
});

test('an address that stands for many clients is not bounded as one', async () => {
  await using here = await holding({ mostOfOne: 1, isShared: () => true });
  here.server.on('request', (_, response) => response.end('here'));
  await here.open();
  const second = await here.open();
  second.write(request);
  expect(String((await once(second, 'data'))[0])).toContain('200 OK');
});
