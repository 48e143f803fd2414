import { Connection } from './connection.js';
import type { WorkerTarget } from './messages.js';

/** An idle connection is ended after this, in milliseconds: servers end theirs after about as long. */
const idleMs = 4000;

/** Connections of one worker that wait for another request, at most. */
const mostIdle = 32;

/** Connections that are free, by their target. */
export class IdleConnections {
  readonly #idle = new Map<Connection, NodeJS.Timeout>();

  /** An idle connection to the target, else a new one. */
  take(target: WorkerTarget): Connection {
    for (const [connection, timer] of this.#idle) {
      if (connection.key !== target.key) continue;
      this.#idle.delete(connection);
      clearTimeout(timer);
      if (connection.isOpen) return connection;
    }
    return new Connection(target);
  }

  keep(connection: Connection): void {
    const [oldest] = this.#idle.keys();
    if (this.#idle.size >= mostIdle && oldest) this.#drop(oldest);
    this.#idle.set(
      connection,
      setTimeout(() => this.#drop(connection), idleMs),
    );
  }

  #drop(connection: Connection): void {
    clearTimeout(this.#idle.get(connection));
    this.#idle.delete(connection);
    connection.end();
  }
}
