import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { isMissing, onStorage, refuseLinks, withFileLock, writeNote } from '@oci/files';

/**
 * Keeps removal and use apart. Who removes closes the gate, reads the leases, removes what none holds, and
 * opens it; who uses writes a lease and then passes the gate. So either the remover has seen the
 * lease, or the user sees what is left. It relies on a file that was made being seen by all at once, which
 * network file systems that cache attributes don't promise.
 */
export class RemovalGate {
  readonly #dir: string;
  readonly #closed: string;
  readonly #lock: string;

  constructor(dir: string) {
    this.#dir = dir;
    this.#closed = join(dir, 'state', 'removing');
    this.#lock = join(dir, '.locks', 'removal');
  }

  /** Runs `work` while nobody else removes, and nobody begins to use. Keep it short. */
  async close<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    refuseLinks(this.#dir, this.#lock);
    return withFileLock(
      this.#lock,
      async (held) => {
        const note = { root: this.#dir, path: this.#closed };
        await onStorage({ path: this.#closed }, () => writeNote(note, ''));
        try {
          return await work();
        } finally {
          // By now it may be closed by who took the lock over.
          const isOurs = await held.ensure().then(
            () => true,
            () => false,
          );
          if (isOurs) await rm(this.#closed, { force: true });
        }
      },
      { signal, patienceMs: Infinity },
    );
  }

  /** Returns when the gate is open; at once, as a rule. One that a dead process left closed is opened. */
  async pass(signal?: AbortSignal): Promise<void> {
    const isClosed = await stat(this.#closed).then(
      () => true,
      (error: unknown) => !isMissing(error),
    );
    if (!isClosed) return;
    refuseLinks(this.#dir, this.#lock);
    await withFileLock(this.#lock, () => rm(this.#closed, { force: true }), {
      signal,
      patienceMs: Infinity,
    });
  }
}
