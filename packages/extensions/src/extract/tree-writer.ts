import { constants } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';

import { OciError } from '@oci/spec-types';
import type { ReadEntry } from 'tar';

import { parseEntryPath } from './entry-path.js';
import type { ExtractLimits } from './limits.js';

const fileTypes = new Set(['File', 'OldFile', 'ContiguousFile']);

/**
 * Writes entries below a fresh directory. There are no links in it, since none is ever made, so no path
 * can lead out of it.
 */
export class TreeWriter {
  readonly #root: string;
  readonly #limits: ExtractLimits;
  /** What was made, by a spelling that is one on every file system. */
  readonly #made = new Map<string, { readonly path: string; readonly isFile: boolean }>();
  #files = 0;
  #bytes = 0;
  #entries = 0;

  constructor(root: string, limits: ExtractLimits) {
    this.#root = root;
    this.#limits = limits;
  }

  get files(): number {
    return this.#files;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @throws OciError `ARCHIVE_UNSAFE`, `LIMIT_EXCEEDED` */
  async write(entry: ReadEntry): Promise<void> {
    this.#entries += 1;
    if (this.#entries > this.#limits.entries) throw tooMuch(`${this.#limits.entries} entries`);
    const parts = parseEntryPath(entry.path, this.#limits);
    const isDirectory = entry.type === 'Directory' || entry.type === 'GNUDumpDir';
    if (!isDirectory && !fileTypes.has(entry.type)) throw unsafeType(entry);
    if (isDirectory) {
      await this.#makeDirectories(parts);
      entry.resume();
      return;
    }
    if (parts.length === 0)
      throw new OciError('ARCHIVE_UNSAFE', 'the archive has a file without a name');
    await this.#makeDirectories(parts.slice(0, -1));
    this.#claim(parts, true);
    await this.#writeFile(entry, join(this.#root, ...parts));
  }

  async #makeDirectories(parts: readonly string[]): Promise<void> {
    for (let depth = 1; depth <= parts.length; depth += 1) {
      const path = parts.slice(0, depth);
      if (this.#claim(path, false)) await mkdir(join(this.#root, ...path), { mode: 0o755 });
    }
  }

  /** Notes a path. @returns whether it is new @throws OciError `ARCHIVE_UNSAFE` when two entries share it */
  #claim(parts: readonly string[], isFile: boolean): boolean {
    const path = parts.join('/');
    // Ligatures and case fold to one name on some file systems (CVE-2026-23950).
    const folded = path.normalize('NFKC').toLowerCase();
    const held = this.#made.get(folded);
    if (!held) {
      this.#made.set(folded, { path, isFile });
      return true;
    }
    if (!isFile && !held.isFile && held.path === path) return false;
    throw new OciError(
      'ARCHIVE_UNSAFE',
      `the archive has ${JSON.stringify(held.path)} and ${JSON.stringify(path)}, which are one path on some systems`,
    );
  }

  async #writeFile(entry: ReadEntry, path: string): Promise<void> {
    // Executable or not is all that is taken from the mode: set-id and sticky bits are dropped.
    const mode = ((entry.mode ?? 0) & 0o111) === 0 ? 0o644 : 0o755;
    const flags =
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);
    const file = await open(path, flags, mode);
    try {
      for await (const chunk of entry) {
        this.#bytes += chunk.byteLength;
        if (this.#bytes > this.#limits.bytes) throw tooMuch(`${this.#limits.bytes} bytes`);
        await file.writeFile(chunk);
      }
      await file.chmod(mode);
    } finally {
      await file.close();
    }
    this.#files += 1;
  }
}

function unsafeType(entry: ReadEntry): OciError {
  return new OciError(
    'ARCHIVE_UNSAFE',
    `the archive has ${JSON.stringify(entry.path.slice(0, 200))} of the type ${entry.type}`,
    {
      hint: 'Only files and directories are unpacked: links and devices can lead out of the directory.',
    },
  );
}

function tooMuch(limit: string): OciError {
  return new OciError('LIMIT_EXCEEDED', `the archive has more than ${limit}`);
}
