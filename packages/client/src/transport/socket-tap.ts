import { randomBytes } from 'node:crypto';
import type { OnReadOpts, Socket } from 'node:net';

import { type Dispatcher, buildConnector } from 'undici';

import { plainHead } from './answer-head.js';
import type { BlockPool } from './block-pool.js';
import type { ResponseBody } from './exchange.js';
import { TappedBody } from './tapped-body.js';

/** Names the tapped body to who gets the head. */
const tapHeader = 'x-oci-tapped-body';

/** Bytes of anything but a tapped body that are read at once, and of such a body at most. */
const scratchBytes = 64 * 1024;
const mostRead = 256 * 1024;

/** Hosts whose TLS sessions are taken up again. */
const mostSessions = 100;

interface Tapped {
  readonly body: TappedBody;
  readonly size: number;
  readonly socket: Socket;
  readonly forget: () => void;
}

/**
 * Sockets for undici that keep large bodies for themselves: undici reads every head, and of a plain large answer
 * a body of one byte, which it is given when the real one has come, into blocks of its reader. How connections
 * are made, pooled, timed and ended, and whatever is not plain, stays with undici. For `GET` only.
 */
export class SocketTaps {
  readonly #waiting = new Map<string, Tapped>();

  /** Connects as undici's own connector does. */
  connector(options: buildConnector.BuildOptions): buildConnector.connector {
    const sessions = new Map<string, Buffer>();
    return (to, callback) => {
      const key = to.servername ?? to.hostname;
      const tap = new SocketTap((...tapped) => this.#keep(...tapped));
      const known = { ...options, onread: tap.onread, session: sessions.get(key) };
      buildConnector(known)(to, (...result) => {
        const [, socket] = result;
        if (socket) tap.socket = socket;
        socket?.on('session', (session: Buffer) => {
          if (sessions.size < mostSessions) sessions.set(key, session);
        });
        callback(...result);
      });
    };
  }

  /** The answer with its own length and body, where that was kept. */
  answer(
    { statusCode, headers, body }: Dispatcher.ResponseData,
    blocks: BlockPool,
  ): Pick<Dispatcher.ResponseData, 'statusCode' | 'headers'> & { readonly body: ResponseBody } {
    const { [tapHeader]: id, ...rest } = headers;
    const tapped = typeof id === 'string' ? this.#waiting.get(id) : undefined;
    if (!tapped) return { statusCode, headers, body };
    tapped.forget();
    const released = new Promise<void>((resolve) =>
      body.once('end', resolve).once('close', resolve),
    );
    body.on('error', (error) => tapped.body.fail(error)).resume();
    if (body.errored) tapped.body.fail(body.errored);
    tapped.body.attach({
      blocks,
      released,
      resume: () => void tapped.socket.read(0),
      destroy: () => body.destroy(),
    });
    return {
      statusCode,
      headers: { ...rest, 'content-length': String(tapped.size) },
      body: tapped.body,
    };
  }

  /** @returns the name under which it waits for its reader */
  #keep(body: TappedBody, size: number, socket: Socket): string {
    const id = randomBytes(16).toString('hex');
    const forget = (): void => {
      this.#waiting.delete(id);
      socket.off('close', forget);
    };
    socket.once('close', forget);
    this.#waiting.set(id, { body, size, socket, forget });
    return id;
  }
}

class SocketTap {
  readonly onread: OnReadOpts;
  socket: Socket | undefined;
  readonly #keep: (body: TappedBody, size: number, socket: Socket) => string;
  readonly #scratch: Buffer = Buffer.allocUnsafeSlow(scratchBytes);
  #body: TappedBody | undefined;
  #written = 0;

  constructor(keep: (body: TappedBody, size: number, socket: Socket) => string) {
    this.#keep = keep;
    this.onread = {
      buffer: () => this.#body?.space(mostRead) ?? this.#scratch,
      callback: (count, buffer) =>
        this.#received(Buffer.from(buffer.buffer as ArrayBuffer, buffer.byteOffset, count)),
    };
  }

  /** @returns whether more may come now */
  #received(bytes: Buffer): boolean {
    const { socket } = this;
    if (!socket) return false;
    if (this.#body) return this.#receivedBody(bytes, this.#body, socket);
    // An answer begins with what comes first after a request was written.
    const isBegin = socket.bytesWritten !== this.#written;
    this.#written = socket.bytesWritten;
    const head = isBegin ? plainHead(bytes) : undefined;
    if (!head) return socket.push(Buffer.from(bytes));
    this.#body = new TappedBody(head.size, Buffer.from(bytes.subarray(head.end)));
    const id = this.#keep(this.#body, head.size, socket);
    const { start, end } = head.digits;
    const text = [
      bytes.subarray(0, start),
      `1\r\n${tapHeader}: ${id}`,
      bytes.subarray(end, head.end),
    ];
    socket.push(Buffer.concat(text.map((part) => Buffer.from(part))));
    return false;
  }

  #receivedBody(bytes: Buffer, body: TappedBody, socket: Socket): boolean {
    const rest = Buffer.from(bytes.subarray(body.left));
    const isMore = body.received(bytes.subarray(0, body.left));
    if (body.left > 0) return isMore;
    this.#body = undefined;
    // The one byte that undici waits for, whatever it is, and what is not of this body.
    return socket.push(Buffer.concat([Buffer.alloc(1), rest]));
  }
}
