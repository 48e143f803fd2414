import type { ObjectStore } from '@oci/cache';
import { isOciError } from '@oci/spec-types';

import type { KeyLocks } from './key-locks.js';
import { keys, sessionOfKey } from './keys.js';
import type { Records } from './records.js';

export interface EndedSessionsParts {
  readonly store: ObjectStore;
  readonly records: Records;
  readonly locks: KeyLocks;
  /** Sessions with a record in the store for which this process counts or holds something. */
  readonly known: () => Iterable<string>;
  /** Gives back what is counted and held for a session. */
  readonly forget: (session: string) => void;
}

/**
 * Finds the uploads that another process has ended, as behind a load balancer: this process goes on counting them, and
 * holds their bytes, until it looks.
 */
export class EndedSessions {
  readonly #parts: EndedSessionsParts;
  #looking: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(parts: EndedSessionsParts) {
    this.#parts = parts;
  }

  /** Forgets those that have ended before; one look at a time, for all who ask before it begins. */
  async forget(): Promise<void> {
    if (this.#parts.store.isExclusive) return;
    this.#next ??= this.#lookBehind(this.#looking);
    await this.#next;
  }

  async #lookBehind(before: Promise<void>): Promise<void> {
    await before.catch(() => {});
    this.#looking = this.#next ?? before;
    this.#next = undefined;
    await this.#forget();
  }

  async #forget(): Promise<void> {
    // Before the list: what begins behind it may not be in it.
    const ended = new Set(this.#parts.known());
    if (ended.size === 0) return;
    for await (const key of this.#parts.store.list(keys.uploads)) ended.delete(sessionOfKey(key));
    for (const session of ended) await this.#forgetOne(session);
  }

  async #forgetOne(session: string): Promise<void> {
    const { locks, records, forget } = this.#parts;
    const forgetEnded = async (): Promise<void> => {
      if (!(await records.has(keys.upload(session)))) forget(session);
    };
    try {
      await locks.hold(session, forgetEnded, 0);
    } catch (error) {
      // A request of it runs, and finds out itself.
      if (!isOciError(error, 'TIMEOUT')) throw error;
    }
  }
}
