import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import {
  type HeldLock,
  isMissing,
  onStorage,
  refuseLinks,
  withFileLock,
  writeNote,
} from '@oci/files';

import { ensureFormat } from '../format-mark.js';
import { paths } from '../cache-format.js';

/**
 * Keeps removal and use apart. Who removes closes the barrier, reads the leases, removes what none holds, and
 * opens it; who uses writes a lease and then passes the barrier. So either the remover has seen the
 * lease, or the user sees what is left. It relies on a file that was made being seen by all at once, which
 * network file systems that cache attributes don't promise.
 */
export class GcBarrier {
  readonly #dir: string;
  readonly #closed: string;
  readonly #lock: string;

  constructor(dir: string) {
    this.#dir = dir;
    this.#closed = join(dir, paths.barrier);
    this.#lock = join(dir, paths.barrierLock);
  }

  /** Runs `work` while nobody else removes, and nobody begins to use. Keep it short. */
  async close<T>(work: (held: HeldLock) => Promise<T>, signal?: AbortSignal): Promise<T> {
    await ensureFormat(this.#dir, signal);
    refuseLinks(this.#dir, this.#lock);
    return withFileLock(
      this.#lock,
      async (held) => {
        const note = { root: this.#dir, path: this.#closed };
        await onStorage({ path: this.#closed }, () => writeNote(note, ''));
        try {
          return await work(held);
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

  /** Returns when the barrier is open; at once, as a rule. One that a dead process left closed is opened. */
  async pass(signal?: AbortSignal): Promise<void> {
    const isClosed = await stat(this.#closed).then(
      () => true,
      (error: unknown) => !isMissing(error),
    );
    // An older version closes it under a lock of its own, which is waited for first.
    if (isClosed) await this.close(async () => {}, signal);
  }
}
