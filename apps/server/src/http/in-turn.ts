import type { RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Handles the requests of one connection one after the other. A client may send hundreds of them before it
 * reads an answer, and all their answers would be in memory meanwhile.
 */
export function inTurn(handler: RequestListener): RequestListener {
  const last = new WeakMap<Socket, ServerResponse>();
  return (request, response) => {
    const { socket } = request;
    const before = last.get(socket);
    last.set(socket, response);
    if (!before || before.closed) return handler(request, response);
    before.once('close', () => {
      // Behind an answer that ends the connection nothing is answered, so that nothing is done either.
      if (socket.writable) handler(request, response);
    });
  };
}
