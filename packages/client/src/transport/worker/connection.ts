import { type LookupFunction, type OnReadOpts, type Socket, connect as connectTcp } from 'node:net';
import {
  type SecureContext,
  connect as connectTls,
  createSecureContext,
  rootCertificates,
} from 'node:tls';

import type { WorkerTarget, WorkerTls } from './messages.js';

/** Bytes that a connection receives before they are hashed and written. */
export const bufferBytes: number = 256 * 1024;

/** A TLS connection may bring a little more after it was told to stop. */
const spareBytes = 64 * 1024;

/** TLS sessions that are kept to be resumed. */
const mostSessions = 100;
const mostContexts = 16;

const sessions = new Map<string, Buffer>();
const contexts = new Map<string, SecureContext>();

/** Uses a connection: one after the other. */
export interface ConnectionUser {
  /** Called when `buffer` holds more, up to `filled`. @returns whether to read on */
  received(): boolean;
  /** Called once when the connection ends. */
  ended(error: Error | undefined): void;
}

/** A socket that receives into one buffer of its own. Bytes that nobody waits for end it. */
export class Connection {
  readonly key: string;
  readonly buffer: Buffer = Buffer.allocUnsafeSlow(bufferBytes);
  /** Bytes in the buffer; whoever uses the connection sets it back. */
  filled = 0;
  /** The last reading left room in the buffer: nothing more was there. */
  isDrained = false;
  /** It has brought an answer before. */
  isUsed = false;
  readonly #socket: Socket;
  readonly #secured: 'connect' | 'secureConnect';
  #user: ConnectionUser | undefined;
  #error: Error | undefined;

  constructor(target: WorkerTarget) {
    this.key = target.key;
    const spare = Buffer.allocUnsafeSlow(spareBytes);
    this.#socket = open(target, {
      buffer: () => (this.filled < bufferBytes ? this.buffer.subarray(this.filled) : spare),
      callback: (count, bytes) =>
        this.#received(Buffer.from(bytes.buffer, bytes.byteOffset, count)),
    });
    this.#secured = target.tls ? 'secureConnect' : 'connect';
    this.#socket.on('error', (error) => (this.#error = error));
    this.#socket.on('close', () => this.#ended());
    // Without a reader the end of the stream would not be noticed.
    this.#socket.on('end', () => this.#socket.destroy()).resume();
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed && this.#socket.readyState === 'open';
  }

  /** Who is told from now on; undefined while it is idle. */
  set user(user: ConnectionUser | undefined) {
    this.#user = user;
  }

  /** Calls back when it may be written to: at once if it stands. */
  whenReady(ready: () => void): void {
    if (this.isUsed) ready();
    else this.#socket.once(this.#secured, ready);
  }

  send(text: string): void {
    this.#socket.write(text, 'latin1');
  }

  /** Reads on after `received` has said no. */
  resume(): void {
    this.#socket.read(0);
  }

  end(error?: Error): void {
    this.#socket.destroy(error);
  }

  #received(bytes: Buffer): boolean {
    const { buffer, filled } = this;
    if (!this.#user || filled + bytes.byteLength > bufferBytes) {
      this.end();
      return false;
    }
    const isInPlace =
      bytes.buffer === buffer.buffer && bytes.byteOffset === buffer.byteOffset + filled;
    if (!isInPlace) buffer.set(bytes, filled);
    this.filled = filled + bytes.byteLength;
    this.isDrained = this.filled < bufferBytes;
    return this.#user.received();
  }

  #ended(): void {
    const user = this.#user;
    this.#user = undefined;
    user?.ended(this.#error);
  }
}

function open(target: WorkerTarget, onread: OnReadOpts): Socket {
  const { host, port, tls, key } = target;
  const options = {
    host,
    port,
    onread,
    lookup: pinned(target.addresses),
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
  };
  if (!tls) return connectTcp(options);
  const session = sessions.get(key);
  const socket = connectTls({
    ...options,
    ...(tls.servername !== undefined && { servername: tls.servername }),
    ...(session && { session }),
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: tls.rejectUnauthorized,
    ...contextOf(tls),
  });
  return socket.on('session', (given: Buffer) => remember(sessions, mostSessions, key, given));
}

/** Resolves any name to the addresses that were allowed. */
function pinned(addresses: WorkerTarget['addresses']): LookupFunction {
  return (_, { all }, callback) => {
    const [first] = addresses;
    if (all) callback(null, [...addresses]);
    else callback(null, first?.address ?? '', first?.family ?? 4);
  };
}

/** Contexts are kept: reading the authorities takes longer than a handshake. */
function contextOf(tls: WorkerTls): { readonly secureContext?: SecureContext } {
  const { ca, cert, key, passphrase } = tls;
  if (ca === undefined && cert === undefined) return {};
  const name = JSON.stringify([ca, cert, key, passphrase]);
  const known = contexts.get(name);
  if (known) return { secureContext: known };
  const secureContext = createSecureContext({
    ...(ca !== undefined && { ca: [...rootCertificates, ca] }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(passphrase !== undefined && { passphrase }),
  });
  remember(contexts, mostContexts, name, secureContext);
  return { secureContext };
}

function remember<V>(map: Map<string, V>, most: number, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > most && oldest !== undefined) map.delete(oldest);
}
