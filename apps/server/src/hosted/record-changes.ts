import type { ObjectStore } from '@oci/cache';

import { getJson, putJson } from './json-object.js';

/** Writes records that belong together: when one can not be written, those before it are as they were. */
export class RecordChanges {
  readonly #store: ObjectStore;
  readonly #undo: (() => Promise<void>)[] = [];

  private constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** Runs work that writes records, and takes them back when it fails. */
  static async make(
    store: ObjectStore,
    work: (changes: RecordChanges) => Promise<void>,
  ): Promise<void> {
    const changes = new RecordChanges(store);
    try {
      await work(changes);
    } catch (error) {
      // The first failure is the one to tell of.
      for (const undo of changes.#undo.toReversed()) await undo().catch(() => {});
      throw error;
    }
  }

  async put(key: string, value: unknown): Promise<void> {
    const before = await getJson(this.#store, key);
    this.onFailure(() =>
      before === undefined ? this.#store.delete(key) : putJson(this.#store, key, before),
    );
    await putJson(this.#store, key, value);
  }

  /** Adds a step that takes something else back. */
  onFailure(undo: () => Promise<void>): void {
    this.#undo.push(undo);
  }
}
