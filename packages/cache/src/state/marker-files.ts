import { readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';

import {
  onStorage,
  readNote,
  readNoteAtOnce,
  refuseLinks,
  unlessMissing,
  writeNote,
} from '@oci/files';

/**
 * Small files below a directory whose names are what they say, so that noting and striking something
 * is one step that several processes can do at once. They are not synced: nothing depends on
 * them that cannot be had again.
 */
export class MarkerFiles {
  readonly #dir: string;
  readonly #root: string;

  /** @param root the directory below which no link is followed; default `dir` */
  constructor(dir: string, root: string = dir) {
    this.#dir = dir;
    this.#root = root;
  }

  async add(name: string, text = ''): Promise<void> {
    const path = join(this.#dir, name);
    await onStorage({ path }, () => writeNote({ root: this.#root, path }, text));
  }

  async remove(name: string): Promise<void> {
    const path = join(this.#dir, name);
    refuseLinks(this.#root, path);
    await onStorage({ path }, () => unlink(path).catch(unlessMissing));
  }

  /** @param mostBytes a larger file is as a missing one */
  async read(name: string, mostBytes?: number): Promise<string | undefined> {
    const path = join(this.#dir, name);
    return onStorage({ path }, () => readNote(path, mostBytes));
  }

  /**
   * The same without giving way: for what reads many small files, each of which takes some 20 µs so and ten times
   * that through four calls in another thread.
   */
  async readAtOnce(name: string): Promise<string | undefined> {
    const path = join(this.#dir, name);
    return onStorage({ path }, async () => readNoteAtOnce(path));
  }

  /** Milliseconds since the epoch; undefined for a marker that is gone. */
  async madeAt(name: string): Promise<number | undefined> {
    const path = join(this.#dir, name);
    return onStorage({ path }, async () => (await stat(path).catch(unlessMissing))?.mtimeMs);
  }

  async has(name: string): Promise<boolean> {
    return (await this.read(name)) !== undefined;
  }

  /** All names, in order; nothing when the directory is missing. */
  async names(): Promise<readonly string[]> {
    const path = this.#dir;
    const names = await onStorage({ path }, () => readdir(path).catch(unlessMissing));
    return (names ?? []).sort();
  }
}
