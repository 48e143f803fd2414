import { createReadStream } from 'node:fs';
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { maxLineBytes } from './audit-line.js';

/**
 * The files of an audit log, in one directory:
 *
 * ```
 * audit.jsonl                  the lines since the last rotation
 * audit-<first number>.jsonl   lines before, a file each rotation
 * audit-head.json              where the chain begins and ends
 * lock/                        held by the server that writes
 * ```
 */
export const currentFile = 'audit.jsonl';

export function rotatedFile(firstSeq: number): string {
  return `audit-${String(firstSeq).padStart(14, '0')}.jsonl`;
}

/** The number of the first line of a rotated file. */
export function firstSeqOf(name: string): number {
  return Number(/^audit-(\d{14})\.jsonl$/.exec(name)?.[1] ?? Number.NaN);
}

/** Names of the rotated files, oldest first. */
export async function rotatedFiles(dir: string): Promise<string[]> {
  return (await readdir(dir)).filter((name) => !Number.isNaN(firstSeqOf(name))).sort();
}

/** A line without its line feed; `isWhole` is false for the end of a file that has none. */
export interface RawLine {
  readonly bytes: Buffer;
  readonly isWhole: boolean;
}

const lineFeed = 0x0a;

/** The lines of a file, which a line feed ends and nothing else; of one that is too long only the begin. */
export async function* linesOf(path: string): AsyncGenerator<RawLine> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    let from = 0;
    for (let at = chunk.indexOf(lineFeed); at >= 0; at = chunk.indexOf(lineFeed, from)) {
      yield { bytes: joined(rest, chunk.subarray(from, at)), isWhole: true };
      rest = Buffer.alloc(0);
      from = at + 1;
    }
    rest = joined(rest, chunk.subarray(from));
  }
  if (rest.length > 0) yield { bytes: rest, isWhole: false };
}

/** What is longer than any line needs no more of it to be told from one. */
function joined(rest: Buffer, more: Buffer): Buffer {
  if (rest.length === 0) return more;
  return rest.length > maxLineBytes ? rest : Buffer.concat([rest, more]);
}

/** The first whole line of a file. */
export async function firstLine(path: string): Promise<Buffer | undefined> {
  const handle = await open(path, 'r');
  try {
    const bytes = await bytesOf(handle, 0, maxLineBytes);
    const end = bytes.indexOf(lineFeed);
    return end < 0 ? undefined : bytes.subarray(0, end);
  } finally {
    await handle.close();
  }
}

/** The last whole line of a file. */
export async function lastLine(path: string): Promise<Buffer | undefined> {
  const handle = await open(path, 'r');
  try {
    return (await wholeLines(handle)).last;
  } finally {
    await handle.close();
  }
}

/** How many bytes of a file are whole lines, and the last of these; of one that is too long only the begin. */
export async function wholeLines(
  handle: FileHandle,
): Promise<{ readonly size: number; readonly last: Buffer | undefined }> {
  const size = (await lastLineFeed(handle, (await handle.stat()).size)) + 1;
  if (size === 0) return { size, last: undefined };
  const begin = (await lastLineFeed(handle, size - 1)) + 1;
  const length = Math.min(size - 1 - begin, maxLineBytes);
  return { size, last: await bytesOf(handle, begin, length) };
}

const windowBytes = 64 * 1024;

/** Where the last line feed before a place is; -1 when there is none. */
async function lastLineFeed(handle: FileHandle, before: number): Promise<number> {
  for (let end = before; end > 0; end -= windowBytes) {
    const from = Math.max(0, end - windowBytes);
    const at = (await bytesOf(handle, from, end - from)).lastIndexOf(lineFeed);
    if (at >= 0) return from + at;
  }
  return -1;
}

async function bytesOf(handle: FileHandle, from: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, from);
  return buffer.subarray(0, bytesRead);
}
