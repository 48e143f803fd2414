import { readdir, rm, rmdir, stat } from 'node:fs/promises';
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
 * is one step that several processes can do at once. They are not synced: what a power cut takes is found
 * again by `rebuild`.
 */
export class Markers {
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
    await onStorage({ path }, () => rm(path, { force: true }).catch(unlessMissing));
  }

  /** Removes a directory when nothing is in it. */
  async removeEmpty(name: string): Promise<void> {
    const path = join(this.#dir, name);
    refuseLinks(this.#root, path);
    await rmdir(path).catch(() => {});
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

  /** Milliseconds since the epoch; infinite for a marker that is gone. */
  async madeAt(name: string): Promise<number> {
    const path = join(this.#dir, name);
    return onStorage({ path }, async () => {
      const info = await stat(path).catch(unlessMissing);
      return info?.mtimeMs ?? Infinity;
    });
  }

  async has(name: string): Promise<boolean> {
    return (await this.read(name)) !== undefined;
  }

  /** What is directly in a directory, in order; nothing when it is missing. */
  async names(directory = ''): Promise<readonly string[]> {
    const path = join(this.#dir, directory);
    const names = await onStorage({ path }, () => readdir(path).catch(unlessMissing));
    return (names ?? []).sort();
  }
}
