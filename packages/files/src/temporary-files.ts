import { randomBytes } from 'node:crypto';
import { readdir, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { onceDone } from '@oci/spec-types';

import { makeDirectoryBelow, refuseLinks } from './directory-below.js';
import { ownProcess, processState } from './process-identity.js';

/** A file that nobody has touched for this long, and whose process is gone, is left over. */
const restMs = 10 * 60_000;
/** Of a process that cannot be seen from here, of another machine or container, only age decides. */
const abandonedMs = 24 * 60 * 60_000;

/**
 * Names for files that are being written, in one directory of the same file system as their target.
 * The name holds the identity of the process, so that what a killed process left is recognised.
 */
export class TemporaryFiles {
  readonly #dir: string;
  readonly #prepared = onceDone(() => this.#prepare());

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** A new path in the directory, which exists. */
  async create(): Promise<string> {
    await this.#prepared();
    this.#refuseLink();
    return join(this.#dir, `${ownProcess}-${randomBytes(12).toString('hex')}`);
  }

  async #prepare(): Promise<void> {
    await makeDirectoryBelow(dirname(this.#dir), basename(this.#dir));
    await this.reclaim();
  }

  /** Removes what killed processes left. @returns how many files */
  async reclaim(now: number = Date.now()): Promise<number> {
    this.#refuseLink();
    const names = await readdir(this.#dir).catch(() => []);
    let removed = 0;
    for (const name of names) {
      const path = join(this.#dir, name);
      const info = await stat(path).catch(() => undefined);
      if (!info) continue;
      const age = now - info.mtimeMs;
      const isLeft = age > abandonedMs || (age > restMs && processState(name) === 'dead');
      if (isLeft)
        await unlink(path)
          .then(() => (removed += 1))
          .catch(() => {});
    }
    return removed;
  }

  /** Behind a link are files of others: none is made there, and none is removed. */
  #refuseLink(): void {
    refuseLinks(dirname(this.#dir), join(this.#dir, 'file'));
  }
}
