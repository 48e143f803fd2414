import type { ObjectStore } from '@oci/cache';
import { type CallOptions, type Digest, throwIfAborted } from '@oci/spec-types';

import type { ContentIndex } from './content-index.js';
import { idOfQuarantineKey, keys } from './keys.js';
import type { Records } from './records.js';

/**
 * How stored data is wrong: it is gone, has another size or other bytes than its record says, or the storage
 * fails each time it is read.
 */
export type DataProblem = 'missing' | 'size' | 'digest' | 'unreadable';

/** Data that is not what its digest says. */
export interface DamagedData {
  readonly digest: Digest;
  readonly data: string;
  /** As the record of the content has it. */
  readonly size: number;
  /** Of the data that was read; empty when it is gone. */
  readonly version: string;
  readonly problem: DataProblem;
}

/** Says why data is kept that no content may be served from. */
export interface QuarantineRecord extends Pick<DamagedData, 'digest' | 'size' | 'problem'> {
  /** Milliseconds since the epoch. */
  readonly since: number;
}

/** How long damaged data is kept for an operator to look at, though the content was repaired: milliseconds. */
export const quarantineMs: number = 7 * 24 * 60 * 60_000;

/**
 * Damaged data, which all processes answer as missing: its content is marked, and the data stays where it is, also
 * when a push has given the content other data.
 */
export class Quarantine {
  readonly #store: ObjectStore;
  readonly #records: Records;
  readonly #index: ContentIndex;

  constructor(parts: {
    readonly store: ObjectStore;
    readonly records: Records;
    readonly index: ContentIndex;
  }) {
    this.#store = parts.store;
    this.#records = parts.records;
    this.#index = parts.index;
  }

  /** @returns false when the content has other data meanwhile */
  async add(damaged: DamagedData, now: number = Date.now()): Promise<boolean> {
    const { digest, data, size, version, problem } = damaged;
    const key = keys.quarantined(data);
    // Before the mark: who replaces marked data relies on this record to have it removed.
    if (problem !== 'missing')
      await this.#records.change<QuarantineRecord>(key, (known) =>
        known ? undefined : { digest, size, problem, since: now },
      );
    if (await this.#index.markCorrupt(digest, data, { version, since: now })) return true;
    await this.#records.removeIf(key, () => true);
    return false;
  }

  /** Gives data back that was found to be right after all. */
  async remove(digest: Digest, data: string): Promise<void> {
    await this.#index.clearCorrupt(digest, data);
    await this.#records.removeIf(keys.quarantined(data), () => true);
  }

  /** What is in quarantine, in the order of the names of data. */
  async *entries(
    options: CallOptions = {},
  ): AsyncGenerator<QuarantineRecord & { readonly data: string }, void, undefined> {
    for await (const { key } of this.#records.entries(keys.allQuarantined, options)) {
      throwIfAborted(options.signal);
      const record = await this.#records.get<QuarantineRecord>(key);
      if (record) yield { ...record, data: idOfQuarantineKey(key) };
    }
  }

  /**
   * Removes data of content that was repaired, once it was here for long enough. The only copy of
   * content stays, however damaged it is.
   *
   * @param options.now milliseconds since the epoch
   * @returns how many
   */
  async expire({
    now = Date.now(),
    ...options
  }: CallOptions & { readonly now?: number } = {}): Promise<number> {
    let expired = 0;
    for await (const { digest, data, since } of this.entries(options)) {
      if (now - since < quarantineMs) continue;
      const content = await this.#index.find(digest);
      if (content?.data === data && content.corrupt) continue;
      // Data that was replaced never becomes content again.
      if (content?.data !== data) await this.#store.delete(keys.data(data));
      await this.#records.removeIf(keys.quarantined(data), () => true);
      expired += 1;
    }
    return expired;
  }
}
