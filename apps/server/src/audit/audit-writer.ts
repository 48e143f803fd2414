import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { onStorage, syncDirectory, unlessMissing } from '@oci/files';

import { currentFile, rotatedFile, rotatedFiles } from './audit-files.js';
import { type AuditHead, emptyHead, writeHead } from './audit-head.js';
import { type ChainEnd, type TimedEntry, auditLine } from './audit-line.js';
import { auditState, beginOf } from './audit-state.js';

export interface AuditFileOptions {
  readonly dir: string;
  /** Makes the chain one that only its holder can make. */
  readonly key?: Uint8Array | undefined;
  /** A file of more bytes is put aside. Default 64 MiB. */
  readonly maxFileBytes?: number | undefined;
  /** Files that are kept besides the current one; 0 keeps all. Default 0. */
  readonly keepFiles?: number | undefined;
}

/** The file that lines are appended to. */
interface CurrentFile {
  readonly handle: FileHandle;
  readonly first: number;
  size: number;
}

/** Appends lines to the files of a log. Not for several callers at once. */
export class AuditWriter {
  readonly #options: AuditFileOptions;
  #head: AuditHead | undefined;
  #file: CurrentFile | undefined;
  /** Written ahead of the next lines. */
  #remarks: readonly TimedEntry[] = [];
  #tornBytes = 0;
  #isNew = false;

  constructor(options: AuditFileOptions) {
    this.#options = options;
  }

  get end(): ChainEnd {
    return (this.#head ?? emptyHead).end;
  }

  /**
   * Opens the log, makes its directory, and finds where it goes on.
   *
   * @returns whether it is a new one
   * @throws OciError
   */
  async open(): Promise<boolean> {
    await onStorage({ path: this.#options.dir }, async () => {
      this.#file ??= await this.#openFile();
    });
    return this.#isNew;
  }

  /** Appends all entries or none, and returns when they are on the disk. */
  async append(entries: readonly TimedEntry[]): Promise<void> {
    if (this.#file && !(await this.#isAsLeft(this.#file))) await this.close();
    const file = (this.#file ??= await this.#openFile());
    let { end } = this;
    let text = '';
    for (const entry of [...this.#remarks, ...this.#tornRemark(), ...entries]) {
      const next = auditLine(entry, end, this.#options.key);
      text += `${next.line}\n`;
      ({ end } = next);
    }
    const bytes = Buffer.from(text);
    try {
      await file.handle.appendFile(bytes);
      await file.handle.datasync();
    } catch (error) {
      await this.#takeBack(file);
      throw error;
    }
    file.size += bytes.length;
    this.#remarks = [];
    this.#tornBytes = 0;
    this.#head = { ...(this.#head ?? emptyHead), end };
    // The lines are written: what fails from here on is done behind the next ones.
    await this.#settle(this.#head, file).catch(() => {});
  }

  /** The next line opens the file again, as after it was moved by somebody else. */
  async close(): Promise<void> {
    const file = this.#file;
    // At once, so that nothing is appended to a file that is being closed.
    this.#file = undefined;
    await file?.handle.close();
  }

  async #openFile(): Promise<CurrentFile> {
    const { dir, key } = this.#options;
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const handle = await open(join(dir, currentFile), 'a+', 0o600);
    try {
      const state = await auditState({ dir, key, handle, known: this.#head });
      // What a process that was killed wrote of a line was promised to nobody.
      const torn = (await handle.stat()).size - state.size;
      if (torn > 0) await handle.truncate(state.size);
      this.#tornBytes += Math.max(0, torn);
      // Ahead of the first line: then a head that is missing was removed.
      if (state.isHeadDue) await writeHead(dir, state.head, key);
      if (state.size === 0) await syncDirectory(dir);
      const time = new Date().toISOString();
      this.#remarks = state.remarks.map((entry) => ({ entry, time }));
      this.#head = state.head;
      this.#isNew = state.isNew;
      return { handle, size: state.size, first: state.first };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Whether the file is in its place, and nobody else has written to it. */
  async #isAsLeft({ handle, size }: CurrentFile): Promise<boolean> {
    const [there, ours] = await Promise.all([
      stat(join(this.#options.dir, currentFile), { bigint: true }).catch(unlessMissing),
      handle.stat({ bigint: true }),
    ]);
    return there?.ino === ours.ino && there.dev === ours.dev && Number(ours.size) === size;
  }

  #tornRemark(): readonly TimedEntry[] {
    if (this.#tornBytes === 0) return [];
    const detail = `${this.#tornBytes} bytes of a torn line removed`;
    const entry = { event: 'gap', result: 'failed', who: 'server', detail } as const;
    return [{ entry, time: new Date().toISOString() }];
  }

  async #settle(head: AuditHead, file: CurrentFile): Promise<void> {
    await writeHead(this.#options.dir, head, this.#options.key);
    if (file.size > (this.#options.maxFileBytes ?? 64 * 1024 * 1024)) await this.#rotate(file);
  }

  async #takeBack(file: CurrentFile): Promise<void> {
    await file.handle.truncate(file.size).catch(() => {});
    await this.close().catch(() => {});
  }

  async #rotate({ first }: CurrentFile): Promise<void> {
    const { dir } = this.#options;
    await this.close();
    const files = await rotatedFiles(dir);
    // What was put there by somebody else stays; the last number of a file is no other's first.
    const seq = files.includes(rotatedFile(first)) ? this.end.seq : first;
    await rename(join(dir, currentFile), join(dir, rotatedFile(seq)));
    await this.#prune();
  }

  /** Removes the oldest files, once the head says that the log begins behind them. */
  async #prune(): Promise<void> {
    const { dir, key, keepFiles = 0 } = this.#options;
    const files = await rotatedFiles(dir);
    if (keepFiles === 0 || files.length <= keepFiles || !this.#head) return;
    const before = await beginOf(dir, files.slice(-keepFiles).slice(0, 1), key);
    // A file that does not say what it begins with may be a proof of what was done to it.
    if (before.seq <= this.#head.before.seq) return;
    this.#head = { ...this.#head, before };
    await writeHead(dir, this.#head, key);
    for (const name of files.slice(0, -keepFiles)) await rm(join(dir, name), { force: true });
  }
}
