import net from 'node:net';
import { setTimeout } from 'node:timers/promises';

/** What a slow reader takes at once, and how often: 500 of them take 20 MB/s. */
const readBytes = 4096;
const readEveryMs = 100;

/** How long they are held before the server's memory is looked at. */
const heldMs = 5000;

/**
 * Opens connections to a server that are kept: idle ones after an answer to `/v2/`, active ones in the middle of
 * a blob that they read slowly.
 *
 * @param {{ port: number }} server
 * @param {{ count: number, path: string, isActive: boolean }} what
 */
export async function holdConnections({ port }, { count, path, isActive }) {
  /** @type {net.Socket[]} */
  const sockets = [];
  const close = async () => {
    for (const socket of sockets) socket.destroy();
  };
  for (let i = 0; i < count; i += 1) {
    const socket = net.connect({ host: '127.0.0.1', port });
    socket.on('error', () => {});
    sockets.push(socket);
    await new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.once('readable', () => resolve(undefined));
      socket.write(`GET ${isActive ? path : '/v2/'} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
    });
  }
  for (let waited = 0; waited < heldMs; waited += readEveryMs) {
    for (const socket of sockets) socket.read(isActive ? readBytes : undefined);
    await setTimeout(readEveryMs);
  }
  const open = sockets.filter((socket) => !socket.destroyed && socket.readable).length;
  if (open < count) throw new Error(`only ${open} of ${count} connections stayed open`);
  return { close };
}
