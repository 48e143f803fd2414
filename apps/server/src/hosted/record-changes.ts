import type { Undo } from './links.js';
import type { Records, Seen } from './records.js';

/** Writes records that belong together: when one cannot be written, those before it are as they were. */
export class RecordChanges {
  readonly #records: Records;
  readonly #undo: Undo[] = [];

  constructor(records: Records) {
    this.#records = records;
  }

  /**
   * Writes a record, whatever others write meanwhile.
   *
   * @param allow throws when the value that is replaced has to stay
   */
  async put<T extends object>(
    key: string,
    value: T,
    allow: (before: T | undefined) => void = () => {},
  ): Promise<Seen<T>> {
    const { before, after } = await this.#records.change<T>(key, (present) => {
      allow(present);
      return value;
    });
    this.#undo.push(() => this.#restore(key, before, after));
    return after;
  }

  /** Writes a record as it was seen. @returns undefined when another has changed it */
  async replace<T extends object>(
    key: string,
    value: T,
    before: Seen<T>,
  ): Promise<Seen<T> | undefined> {
    const after = await this.#records.write(key, value, before);
    if (after) this.#undo.push(() => this.#restore(key, before, after));
    return after;
  }

  /** Adds a step that takes something else back. */
  onFailure(undo: Undo): void {
    this.#undo.push(undo);
  }

  /** Takes all back, the last first, except what others have changed since. */
  async takeBack(): Promise<void> {
    // The failure that led here is the one to tell of.
    for (const undo of this.#undo.splice(0).toReversed()) await undo().catch(() => {});
  }

  async #restore<T extends object>(key: string, before: Seen<T>, after: Seen<T>): Promise<void> {
    if (before.value === undefined) await this.#records.remove(key, after);
    else await this.#records.write(key, before.value, after);
  }
}
