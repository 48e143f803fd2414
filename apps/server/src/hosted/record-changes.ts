import type { Undo } from './links.js';
import { type Records, type Seen, newWrite } from './records.js';

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
    const own = newWrite();
    let before: T | undefined;
    const change = (present: T | undefined): T => {
      allow(present);
      before = present;
      return value;
    };
    try {
      const { after } = await this.#records.change<T>(key, change, own);
      this.#undo.push(() => this.#restore(key, before, after));
      return after;
    } catch (error) {
      this.#undo.push(() => this.#restoreWritten(key, before, own));
      throw error;
    }
  }

  /** Writes a record as it was seen. @returns undefined when another has changed it */
  async replace<T extends object>(
    key: string,
    value: T,
    before: Seen<T>,
  ): Promise<Seen<T> | undefined> {
    const own = newWrite();
    try {
      const after = await this.#records.write(key, value, before, { own });
      if (after) this.#undo.push(() => this.#restore(key, before.value, after));
      return after;
    } catch (error) {
      this.#undo.push(() => this.#restoreWritten(key, before.value, own));
      throw error;
    }
  }

  /** Adds a step that takes something else back. */
  onFailure(undo: Undo): void {
    this.#undo.push(undo);
  }

  /** Takes all back, the last first, except what others have changed since. */
  async takeBack(): Promise<void> {
    const undo = this.#undo.splice(0).toReversed();
    try {
      for (const step of undo) await step();
    } catch {
      // The failure that led here is the one to tell of. What the rest leads to stays, for what could not be taken back.
    }
  }

  async #restore<T extends object>(
    key: string,
    before: T | undefined,
    after: Seen<T>,
  ): Promise<void> {
    if (before === undefined) await this.#records.remove(key, after);
    else await this.#records.write(key, before, after);
  }

  /** Takes back a write that failed, and may have counted all the same. */
  async #restoreWritten(key: string, before: object | undefined, own: string): Promise<void> {
    const now = await this.#records.see<object>(key);
    if (now.writes[0] === own) await this.#restore(key, before, now);
  }
}
