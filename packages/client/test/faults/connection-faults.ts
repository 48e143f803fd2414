import type { Socket } from 'node:net';

import { artifact } from './operations.js';
import type { FaultRow, FaultTable } from './fault-row.js';

const { bytes, mediaType } = artifact.manifest;
const head = `HTTP/1.1 200 OK\r\ncontent-type: ${mediaType}\r\n`;

/** Says something to the first request of a connection, then ends it. */
function saying(text: string | Uint8Array): (socket: Socket) => void {
  return (socket) => socket.once('data', () => socket.end(text));
}

function whole(socket: Socket): void {
  const text = `${head}content-length: ${bytes.byteLength}\r\n\r\n`;
  socket.on('data', () => socket.write(Buffer.concat([Buffer.from(text), bytes])));
}

const soon = { connectMs: 1000, headersMs: 100, idleMs: 100 };
const twice = { retry: { attempts: 2, delay: async () => {} } };

const rows: readonly Omit<FaultRow, 'operation'>[] = [
  {
    fault: 'nobody listens on the port',
    client: { url: 'http://127.0.0.1:1' },
    outcome: 'NETWORK',
  },
  {
    fault: 'the name does not exist',
    client: { url: 'http://registry.invalid' },
    outcome: 'NETWORK',
  },
  {
    fault: 'connections are closed before an answer',
    serve: (socket) => socket.once('data', () => socket.end()),
    outcome: 'NETWORK',
  },
  {
    fault: 'connections are reset before an answer',
    serve: (socket) => socket.once('data', () => socket.resetAndDestroy()),
    outcome: 'NETWORK',
  },
  {
    fault: 'the first connection is reset before an answer',
    serve: (socket, connection) =>
      connection === 1 ? socket.once('data', () => socket.resetAndDestroy()) : whole(socket),
    outcome: 'read',
  },
  {
    fault: 'the connection ends in the middle of the headers',
    serve: saying('HTTP/1.1 200 OK\r\ncontent-le'),
    outcome: 'NETWORK',
  },
  {
    fault: 'the connection ends in the middle of the body',
    serve: saying(`${head}content-length: 5000\r\n\r\n{"schema`),
    outcome: 'NETWORK',
  },
  {
    fault: 'the first connection ends in the middle of the body',
    serve: (socket, connection) =>
      connection === 1 ? saying(`${head}content-length: 5000\r\n\r\n{`)(socket) : whole(socket),
    outcome: 'read',
  },
  {
    fault: 'a body of HTTP/1.0 ends without a length',
    serve: saying(
      Buffer.concat([Buffer.from(`HTTP/1.0 200 OK\r\ncontent-type: ${mediaType}\r\n\r\n`), bytes]),
    ),
    outcome: 'read',
  },
  {
    fault: 'nothing is ever answered',
    serve: () => {},
    client: { ...twice, timeouts: soon },
    outcome: 'TIMEOUT',
  },
  {
    fault: 'the headers stop in the middle (slow loris)',
    serve: (socket) => socket.once('data', () => socket.write(head)),
    client: { ...twice, timeouts: soon },
    outcome: 'TIMEOUT',
  },
  {
    fault: 'the body stops in the middle (slow loris)',
    serve: (socket) =>
      socket.once('data', () => socket.write(`${head}content-length: 5000\r\n\r\n{`)),
    client: { ...twice, timeouts: soon },
    outcome: 'TIMEOUT',
  },
  {
    fault: 'another protocol is spoken',
    serve: saying('SSH-2.0-OpenSSH_9.6\r\n'),
    outcome: 'NETWORK',
  },
  {
    fault: 'headers without end',
    serve: (socket) => {
      socket.once('data', () =>
        socket.write(`${head}${`x-filler: ${'x'.repeat(1000)}\r\n`.repeat(500)}`),
      );
    },
    outcome: 'NETWORK',
  },
  {
    fault: 'two lengths that differ',
    serve: saying(`${head}content-length: 5\r\ncontent-length: 6\r\n\r\n{}`),
    outcome: 'NETWORK',
  },
  {
    fault: 'a length that is no number',
    serve: saying(`${head}content-length: many\r\n\r\n{}`),
    outcome: 'NETWORK',
  },
  {
    fault: 'chunks whose size is no number',
    serve: saying(`${head}transfer-encoding: chunked\r\n\r\nmany\r\n{}\r\n`),
    outcome: 'NETWORK',
  },
  {
    fault: 'an interim answer before the final one',
    serve: (socket) => {
      socket.once('data', () => {
        const text = `HTTP/1.1 103 Early Hints\r\n\r\n${head}content-length: ${bytes.byteLength}\r\n\r\n`;
        socket.write(Buffer.concat([Buffer.from(text), bytes]));
      });
    },
    outcome: 'read',
  },
  {
    fault: 'a status that nobody knows',
    serve: saying('HTTP/1.1 799 What\r\ncontent-length: 0\r\n\r\n'),
    outcome: 'REGISTRY_UNAVAILABLE',
  },
];

export const connectionFaults: FaultTable = {
  title: 'Connections',
  rows: rows.map((row) => ({ ...row, operation: 'read a manifest' })),
};
