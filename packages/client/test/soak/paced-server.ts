import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const blockBytes = 1024 * 1024;
const writeBytes = 64 * 1024;

/** Bytes as large as wanted that nobody has to hold: one block, again and again with its number in front. */
export class LongContent {
  readonly size: number;
  readonly #block: Buffer;

  constructor(size: number, block: Uint8Array) {
    this.size = size;
    this.#block = Buffer.from(block.subarray(0, blockBytes));
  }

  /** The bytes from `start` up to the end of its block, or of the content. */
  from(start: number): Uint8Array {
    const number = Math.floor(start / blockBytes);
    const block = Buffer.from(this.#block);
    block.writeDoubleLE(number, 0);
    const begin = number * blockBytes;
    return block.subarray(start - begin, Math.min(blockBytes, this.size - begin));
  }

  *[Symbol.iterator](): Generator<Uint8Array, void, undefined> {
    for (let at = 0; at < this.size; at += blockBytes) yield this.from(at);
  }
}

export interface PacedServer extends AsyncDisposable {
  readonly url: string;
  /** Bytes of bodies that went out so far. */
  readonly sent: number;
}

/** Serves one blob in ranges at a rate that readers keep up with, so that little is on its way. */
export async function startPacedServer(
  content: LongContent,
  { bytesPerSecond, onSent }: { bytesPerSecond: number; onSent: (total: number) => void },
): Promise<PacedServer> {
  let sent = 0;
  let free = 0;
  const pace = async (bytes: number): Promise<void> => {
    const turn = Math.max(Date.now(), free);
    free = turn + (bytes * 1000) / bytesPerSecond;
    if (turn > Date.now()) await sleep(turn - Date.now());
  };
  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    response.on('error', () => {});
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(incoming.headers.range ?? '') ?? [];
    const [start, end] = [Number(first ?? 0), Number(last ?? content.size - 1) + 1];
    response.writeHead(first === undefined ? 200 : 206, {
      'content-length': end - start,
      'content-range': `bytes ${start}-${end - 1}/${content.size}`,
    });
    for (let at = start; at < end && !response.destroyed;) {
      const bytes = content.from(at).subarray(0, Math.min(writeBytes, end - at));
      await pace(bytes.byteLength);
      if (response.destroyed) break;
      // Ahead of the write: who is told to kill the reader still finds it without its last bytes.
      sent += bytes.byteLength;
      onSent(sent);
      await new Promise<void>((resolve) => {
        response.once('close', resolve);
        response.write(bytes, () => {
          response.off('close', resolve);
          resolve();
        });
      });
      at += bytes.byteLength;
    }
    response.end();
  };
  const server = createServer((incoming, response) => void serve(incoming, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get sent() {
      return sent;
    },
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
