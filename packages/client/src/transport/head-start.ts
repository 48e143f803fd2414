import type { Socket } from 'node:net';

import type { buildConnector } from 'undici';

/** A connection that nobody asked for in this time is ended, in milliseconds: servers end idle ones too. */
const unusedMs = 4000;

interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * A connection to a registry that is begun before what speaks HTTP is loaded, which takes about as long as a
 * round trip to a registry far away. It is for the first request, and only a TCP connection: what is agreed
 * upon over it, TLS too, begins when it is taken. One that fails counts as never begun.
 */
export class HeadStart {
  readonly #address: Address;
  readonly #timer: NodeJS.Timeout;
  #socket: Socket | undefined;

  /** Begins to connect. */
  constructor(origin: URL) {
    this.#address = addressOf(origin);
    // By name, for not even this module of Node is loaded for a pull out of the cache.
    this.#socket = process.getBuiltinModule('node:net').connect({
      ...this.#address,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: 60_000,
    });
    // Whoever takes it hears of its failures. Until then it keeps no process alive.
    this.#socket.on('error', () => {}).unref();
    this.#timer = setTimeout(() => this.giveUp(), unusedMs).unref();
  }

  /** Ends it, unless somebody has taken it. */
  giveUp(): void {
    clearTimeout(this.#timer);
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  /**
   * Connects as `next` does, the first time with what was begun.
   *
   * @param connectMs milliseconds in which the connection has to stand
   */
  connector(next: buildConnector.connector, connectMs: number): buildConnector.connector {
    return (to, callback) => {
      const socket = this.#take(to);
      if (!socket) return next(to, callback);
      whenConnected(socket, connectMs, (error) => {
        if (error) callback(error, null);
        else if (to.protocol === 'https:') next({ ...to, httpSocket: socket }, callback);
        else callback(null, socket);
      });
    };
  }

  #take(to: buildConnector.Options): Socket | undefined {
    const { host, port } = addressOf(to);
    if (host !== this.#address.host || port !== this.#address.port) return undefined;
    const socket = this.#socket;
    clearTimeout(this.#timer);
    this.#socket = undefined;
    if (socket?.readyState === 'open' || socket?.readyState === 'opening') return socket.ref();
    socket?.destroy();
    return undefined;
  }
}

function addressOf(to: Pick<buildConnector.Options, 'hostname' | 'port' | 'protocol'>): Address {
  return {
    host: to.hostname.replace(/^\[|\]$/g, ''),
    port: Number(to.port || (to.protocol === 'https:' ? 443 : 80)),
  };
}

function whenConnected(
  socket: Socket,
  connectMs: number,
  done: (error: Error | undefined) => void,
): void {
  if (!socket.connecting) {
    // Not before the connector has returned: undici would miss it.
    queueMicrotask(() => done(undefined));
    return;
  }
  const end = (error?: Error): void => {
    clearTimeout(timer);
    socket.off('error', end).off('connect', end);
    done(error);
  };
  const timer = setTimeout(() => {
    const error = new Error(`no connection in ${connectMs} ms`);
    socket.destroy(Object.assign(error, { code: 'ETIMEDOUT' }));
  }, connectMs);
  socket.once('error', end).once('connect', end);
}
