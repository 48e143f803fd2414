import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export interface ConnectionLimits {
  /** Connections at once. */
  readonly most: number;
  /** Connections at once of one address. */
  readonly mostOfOne: number;
  /** Tells whether an address stands for many clients, as a proxy does. */
  readonly isShared: (address: string) => boolean;
}

interface Connection {
  readonly socket: Socket;
  readonly address: string;
  /** Requests that are not answered yet; a client may send several at once. */
  requests: number;
}

/**
 * The connections of a listener. Beyond the limit of all, a new one takes the place of the one that has
 * been without a request for longest, so that connections that are only held keep nobody out; beyond the
 * limit of its address a new one is closed.
 */
export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #open = new Map<string, Connection>();
  /** Those without a request, the one that has been so for longest first. */
  readonly #idle = new Map<string, Connection>();
  readonly #byAddress = new Map<string, number>();

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  attach(server: Server): void {
    server.on('connection', (socket: Socket) => this.#accept(socket));
    server.on('request', ({ socket }, response: ServerResponse) => {
      const key = keyOf(socket);
      const connection = this.#open.get(key);
      if (!connection) return;
      this.#idle.delete(key);
      connection.requests += 1;
      response.on('close', () => {
        connection.requests -= 1;
        if (connection.requests === 0 && this.#open.get(key) === connection)
          this.#idle.set(key, connection);
      });
    });
  }

  #accept(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    const { most } = this.#limits;
    // Whoever has too many already costs nobody else a connection.
    const isRefused =
      this.#hasTooMany(address) || (this.#open.size >= most && !this.#closeIdlest());
    if (isRefused) {
      socket.destroy();
      return;
    }
    const key = keyOf(socket);
    const connection = { socket, address, requests: 0 };
    this.#open.set(key, connection);
    this.#idle.set(key, connection);
    // Counted only now: the one that made room may have been of the same address.
    this.#byAddress.set(address, (this.#byAddress.get(address) ?? 0) + 1);
    socket.once('close', () => this.#forget(key, address));
  }

  #hasTooMany(address: string): boolean {
    const { mostOfOne, isShared } = this.#limits;
    return (this.#byAddress.get(address) ?? 0) >= mostOfOne && !isShared(address);
  }

  /** @returns whether there was one to close */
  #closeIdlest(): boolean {
    const [first] = this.#idle;
    if (!first) return false;
    const [key, { socket, address }] = first;
    this.#forget(key, address);
    socket.destroy();
    return true;
  }

  #forget(key: string, address: string): void {
    this.#idle.delete(key);
    if (!this.#open.delete(key)) return;
    const left = (this.#byAddress.get(address) ?? 1) - 1;
    if (left > 0) this.#byAddress.set(address, left);
    else this.#byAddress.delete(address);
  }
}

/** The same for a TLS socket and the one that it runs over, which `node:tls` keeps to itself. */
function keyOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
