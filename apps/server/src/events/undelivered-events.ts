import type { ObjectStore } from '@oci/cache';
import type { CallOptions } from '@oci/spec-types';

import { idOfEventKey, keys } from '../hosted/keys.js';
import type { Records } from '../hosted/records.js';
import type { UndeliveredRecord } from './event-record.js';
import type { Outbox } from './outbox.js';

/** Events that are kept when they were given up. */
const mostKept = 1000;

/** The events that were given up, until an administrator has them tried again. */
export class UndeliveredEvents {
  readonly #store: ObjectStore;
  readonly #records: Records;

  constructor(store: ObjectStore, records: Records) {
    this.#store = store;
    this.#records = records;
  }

  /** Keeps an event that a webhook did not take; the oldest ones go when there are too many. */
  async add(record: UndeliveredRecord): Promise<void> {
    await this.#records.change<UndeliveredRecord>(keys.undelivered(record.event.id), (present) => ({
      ...record,
      failures: { ...present?.failures, ...record.failures },
    }));
  }

  /** @returns how many were removed */
  async trim(options?: CallOptions): Promise<number> {
    const ids = await this.#ids(options);
    const excess = ids.slice(0, Math.max(0, ids.length - mostKept));
    for (const id of excess) await this.#store.delete(keys.undelivered(id));
    return excess.length;
  }

  /** @param limit of how many the records are read, the newest ones */
  async list(
    limit: number,
    options?: CallOptions,
  ): Promise<{ readonly count: number; readonly newest: readonly UndeliveredRecord[] }> {
    const ids = await this.#ids(options);
    const found = await Promise.all(ids.slice(-limit).map((id) => this.#read(id)));
    return { count: ids.length, newest: found.filter((one) => one !== undefined).reverse() };
  }

  /**
   * Puts events in line again.
   *
   * @param ids all when it is absent
   * @returns how many there were
   */
  async retry(outbox: Outbox, ids?: readonly string[], options?: CallOptions): Promise<number> {
    const wanted = ids ?? (await this.#ids(options));
    let retried = 0;
    for (const id of wanted) {
      const record = await this.#read(id);
      if (!record) continue;
      const webhooks = Object.keys(record.failures);
      await outbox.putBack({ event: record.event, webhooks, since: Date.now() });
      // Behind it: an event may be in both places, and never in none.
      await this.#store.delete(keys.undelivered(id));
      retried += 1;
    }
    return retried;
  }

  #read(id: string): Promise<UndeliveredRecord | undefined> {
    return this.#records.get<UndeliveredRecord>(keys.undelivered(id));
  }

  /** The oldest first. */
  async #ids(options?: CallOptions): Promise<readonly string[]> {
    const ids: string[] = [];
    for await (const { key } of this.#records.entries(keys.undeliveredEvents, options))
      ids.push(idOfEventKey(key));
    return ids;
  }
}
