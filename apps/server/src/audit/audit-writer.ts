import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

import {
  type AuditHead,
  currentFile,
  emptyHead,
  readHead,
  rotatedFile,
  rotatedFiles,
  writeHead,
} from './audit-files.js';
import { type ChainEnd, type TimedEntry, auditLine, readAuditLine } from './audit-line.js';

export interface AuditFileOptions {
  readonly dir: string;
  /** Makes the chain one that only its holder can make. */
  readonly key?: Uint8Array | undefined;
  /** A file of more bytes is put aside. Default 64 MiB. */
  readonly maxFileBytes?: number | undefined;
  /** Files that are kept besides the current one; 0 keeps all. Default 0. */
  readonly keepFiles?: number | undefined;
}

/** Appends lines to the files of a log. Not for several callers at once. */
export class AuditWriter {
  readonly #options: AuditFileOptions;
  #head: AuditHead = emptyHead;
  #file: { readonly handle: FileHandle; size: number } | undefined;

  constructor(options: AuditFileOptions) {
    this.#options = options;
  }

  get end(): ChainEnd {
    return this.#head.end;
  }

  /** Appends all entries or none, and returns when they are on the disk. */
  async append(entries: readonly TimedEntry[]): Promise<void> {
    const file = (this.#file ??= await this.#open());
    let { end } = this.#head;
    let text = '';
    for (const entry of entries) {
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
    this.#head = { ...this.#head, end };
    // The lines are written: what fails from here on is done behind the next ones.
    await this.#settle(file.size).catch(() => {});
  }

  /** The next line opens the file again, as after it was moved by somebody else. */
  async close(): Promise<void> {
    await this.#file?.handle.close();
    this.#file = undefined;
  }

  async #open(): Promise<{ readonly handle: FileHandle; size: number }> {
    const { dir, key } = this.#options;
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const head = (await readHead(dir)) ?? emptyHead;
    const handle = await open(join(dir, currentFile), 'a+', 0o600);
    const { size, last } = await wholeLines(handle);
    // What a process that was killed wrote of a line was promised to nobody.
    if (size < (await handle.stat()).size) await handle.truncate(size);
    const end = last === undefined ? undefined : readAuditLine(last, key)?.end;
    this.#head = end && end.seq > head.end.seq ? { ...head, end } : head;
    return { handle, size };
  }

  async #settle(size: number): Promise<void> {
    await writeHead(this.#options.dir, this.#head);
    if (size > (this.#options.maxFileBytes ?? 64 * 1024 * 1024)) await this.#rotate();
  }

  async #takeBack(file: { readonly handle: FileHandle; size: number }): Promise<void> {
    await file.handle.truncate(file.size).catch(() => {});
    await this.close().catch(() => {});
  }

  async #rotate(): Promise<void> {
    const { dir, keepFiles = 0 } = this.#options;
    await this.close();
    const first = await this.#firstOfCurrent();
    await rename(join(dir, currentFile), join(dir, rotatedFile(first)));
    const files = await rotatedFiles(dir);
    const old = keepFiles === 0 ? [] : files.slice(0, Math.max(0, files.length - keepFiles));
    const last = old.at(-1);
    if (last === undefined) return;
    const end = await lastEnd(join(dir, last), this.#options.key);
    if (end) await writeHead(dir, (this.#head = { ...this.#head, before: end }));
    for (const name of old) await rm(join(dir, name), { force: true });
  }

  async #firstOfCurrent(): Promise<number> {
    const handle = await open(join(this.#options.dir, currentFile), 'r');
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(64), 0, 64, 0);
      return Number(/^\{"seq":(\d+)/.exec(buffer.toString('utf8', 0, bytesRead))?.[1] ?? 0);
    } finally {
      await handle.close();
    }
  }
}

/** Longer than any line: names have at most 255 characters. */
const tailBytes = 64 * 1024;

/** How many bytes of a file are whole lines, and the last of these. */
async function wholeLines(
  handle: FileHandle,
): Promise<{ readonly size: number; readonly last: string | undefined }> {
  const { size } = await handle.stat();
  const from = Math.max(0, size - tailBytes);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - from), 0, size - from, from);
  const text = buffer.subarray(0, bytesRead);
  const end = text.lastIndexOf(0x0a) + 1;
  const lines = text.subarray(0, end).toString('utf8').split('\n');
  const last = lines.at(-2);
  return { size: from + end, last: last === '' ? undefined : last };
}

async function lastEnd(path: string, key: Uint8Array | undefined): Promise<ChainEnd | undefined> {
  const handle = await open(path, 'r');
  try {
    const { last } = await wholeLines(handle);
    return last === undefined ? undefined : readAuditLine(last, key)?.end;
  } finally {
    await handle.close();
  }
}
