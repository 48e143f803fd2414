import { type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

import { registryErrorBody } from './registry-error.js';

interface ParserAnswer {
  readonly status: number;
  readonly message: string;
}

const answers: Readonly<Record<string, ParserAnswer>> = {
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, message: 'the request did not arrive in time' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: {
    status: 413,
    message: 'the extensions of a chunk are too large',
  },
  HPE_HEADER_OVERFLOW: { status: 431, message: 'the headers are larger than 16 KiB' },
};
const malformed: ParserAnswer = { status: 400, message: 'the request is malformed HTTP' };

/** Answers what the parser refuses in the form of the registry API: no path has been read yet. */
export function answerParserErrors(server: Server): void {
  const pending = new WeakMap<Duplex, Set<ServerResponse>>();
  server.on('request', ({ socket }, response: ServerResponse) => {
    const responses = pending.get(socket) ?? new Set();
    pending.set(socket, responses.add(response));
    response.on('close', () => responses.delete(response));
  });
  server.on('checkExpectation', (_, response: ServerResponse) => {
    response.writeHead(417, { 'content-type': 'application/json', connection: 'close' });
    response.end(registryErrorBody('UNSUPPORTED', 'no expectation but 100-continue is met'));
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    const { code = '' } = error;
    const answer = answers[code] ?? (code.startsWith('HPE_') ? malformed : undefined);
    const [first, ...others] = pending.get(socket) ?? [];
    // Within an answer that has begun, or before one that is due, another one would be taken for it.
    const isAnswering = first?.headersSent === true || others.length > 0;
    if (!answer || !socket.writable || isAnswering) {
      socket.destroy();
      return;
    }
    socket.end(messageOf(answer), () => socket.destroy());
  });
}

function messageOf({ status, message }: ParserAnswer): string {
  const body = registryErrorBody('UNSUPPORTED', message);
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'connection: close',
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'cache-control: no-store',
    'x-content-type-options: nosniff',
    '',
    body,
  ].join('\r\n');
}
