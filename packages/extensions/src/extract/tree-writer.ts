import { closeSync, constants, fchmodSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';

import { foldedPath } from '@oci/spec-types/text';

import { brokenRule } from './archive-rule.js';
import { parseEntryPath } from './entry-path.js';
import type { LayerArchive } from './layer-archive.js';
import type { ExtractLimits } from './limits.js';
import { PendingLinks } from './pending-links.js';
import type { ArchiveEntry, EntrySink } from './tar-parser.js';

const createOnly =
  constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);

interface Made {
  readonly path: string;
  readonly isFile: boolean;
  /** Of which archive, when several are laid over each other. */
  readonly archive: number;
}

/**
 * Writes entries below a fresh directory, without waiting: thousands of small files cost little else
 * than the system's calls. No path can lead out, for links, where they are wanted, are made last.
 */
export class TreeWriter implements EntrySink {
  readonly #root: string;
  readonly #limits: ExtractLimits;
  /** Not `umask()` for each file: it belongs to the process. */
  readonly #umask: number = process.umask();
  readonly #made = new Map<string, Made>();
  readonly #links = new PendingLinks();
  #prefix: readonly string[] = [];
  /** What is left out of the names; undecided before the first of them is known. */
  #strip: readonly string[] = [];
  #isFirst = true;
  #takesLinks = false;
  #archive = 0;
  #lastDirectory: string | undefined;
  #open: { readonly fd: number; readonly path: string; written: number } | undefined;
  #current = '';
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

  get takesLinks(): boolean {
    return this.#takesLinks;
  }

  /** The path of the newest entry, as the archive has it. */
  get current(): string {
    return this.#current;
  }

  /**
   * What follows is of another archive, which may replace the files of those before it.
   *
   * @param under the directory that it goes to, relative to the root
   */
  nextArchive(
    under: string,
    { strip = '', links = false }: Pick<LayerArchive, 'strip' | 'links'> = {},
  ): void {
    this.#archive += 1;
    this.#prefix = parseEntryPath(under, this.#limits);
    this.#strip = parseEntryPath(strip, this.#limits);
    this.#isFirst = true;
    this.#takesLinks = links;
    this.#lastDirectory = undefined;
  }

  /** @throws OciError `ARCHIVE_UNSAFE`, `LIMIT_EXCEEDED`, and the errors of the file system */
  begin(entry: ArchiveEntry): void {
    this.#entries += 1;
    this.#current = entry.path;
    if (this.#entries > this.#limits.entries)
      throw brokenRule('entry-count', entry.path, `(${this.#limits.entries})`);
    if (this.#bytes + entry.size > this.#limits.bytes)
      throw brokenRule('total-bytes', entry.path, `(${this.#limits.bytes} bytes)`);
    const own = this.#stripped(parseEntryPath(entry.path, this.#limits));
    const parts = [...this.#prefix, ...own];
    if (entry.isDirectory) {
      this.#makeDirectories(parts);
      return;
    }
    if (own.length === 0) throw brokenRule('no-name', entry.path);
    this.#makeDirectories(parts.slice(0, -1));
    if (entry.linkPath === undefined) this.#createFile(parts, entry);
    else this.#addLink(parts, entry.linkPath);
  }

  data(chunk: Buffer): void {
    const open = this.#open;
    if (!open) return;
    open.written += chunk.byteLength;
    this.#bytes += chunk.byteLength;
    // A zip may hold more than its directory says.
    if (this.#bytes > this.#limits.bytes)
      throw brokenRule('total-bytes', open.path, `(${this.#limits.bytes} bytes)`);
    for (let at = 0; at < chunk.byteLength;) at += writeSync(open.fd, chunk, at);
  }

  end(): void {
    if (!this.#open) return;
    closeSync(this.#open.fd);
    this.#open = undefined;
    this.#files += 1;
  }

  /** Makes the links, behind the last archive. @throws OciError `ARCHIVE_UNSAFE` for one that leads out */
  finish(): void {
    this.#links.make(this.#root);
  }

  /** Lets go of a file that a failure left open. */
  close(): void {
    if (this.#open) closeSync(this.#open.fd);
    this.#open = undefined;
  }

  /** All names of an archive begin with the directory, or none is looked at. */
  #stripped(parts: readonly string[]): readonly string[] {
    const begins = this.#strip.every((name, at) => parts[at] === name);
    if (this.#isFirst && !begins) this.#strip = [];
    this.#isFirst = false;
    return begins ? parts.slice(this.#strip.length) : parts;
  }

  #addLink(parts: readonly string[], target: string): void {
    this.#replace(parts);
    this.#links.add({ parts, target, base: this.#prefix.length });
  }

  #replace(parts: readonly string[]): void {
    const path = parts.join('/');
    if (this.#claim(path, true) !== 'replace') return;
    if (!this.#links.delete(parts)) rmSync(`${this.#root}/${path}`);
  }

  #createFile(parts: readonly string[], entry: ArchiveEntry): void {
    this.#replace(parts);
    const full = `${this.#root}/${parts.join('/')}`;
    // Executable or not is all that is taken from the mode: set-id and sticky bits are dropped.
    const mode = entry.isExecutable ? 0o755 : 0o644;
    const fd = openSync(full, createOnly, mode);
    this.#open = { fd, path: entry.path, written: 0 };
    if ((mode & this.#umask) !== 0) fchmodSync(fd, mode);
  }

  #makeDirectories(parts: readonly string[]): void {
    const whole = parts.join('/');
    // Files come directory by directory, so most of them are in the one before's.
    if (whole === '' || whole === this.#lastDirectory) return;
    let path = '';
    for (const part of parts) {
      path = path === '' ? part : `${path}/${part}`;
      if (this.#claim(path, false) === 'new') mkdirSync(`${this.#root}/${path}`, { mode: 0o755 });
    }
    this.#lastDirectory = whole;
  }

  /** Notes a path. @throws OciError `ARCHIVE_UNSAFE` when two entries share it */
  #claim(path: string, isFile: boolean): 'new' | 'known' | 'replace' {
    const folded = foldedPath(path);
    const held = this.#made.get(folded);
    // Each entry may name many directories that the archive has no entries for.
    if (!held && this.#made.size >= this.#limits.entries)
      throw brokenRule('entry-count', path, `(${this.#limits.entries})`);
    if (!held || (held.path === path && held.isFile && isFile && held.archive < this.#archive)) {
      this.#made.set(folded, { path, isFile, archive: this.#archive });
      return held ? 'replace' : 'new';
    }
    if (!isFile && !held.isFile && held.path === path) return 'known';
    throw brokenRule('same-path', path, `(${JSON.stringify(held.path)})`);
  }
}
