import type { FileHandle } from 'node:fs/promises';

import { throwIfAborted } from '@oci/spec-types';
import { onStorage } from '@oci/spec-types/node';

/** A part of a file, and who waits for it. */
export interface FilePart {
  readonly path: string;
  readonly start: number;
  /** The last byte that is read. */
  readonly end: number;
  readonly signal: AbortSignal | undefined;
}

/** Bytes of one read: larger than Node's default, which costs 40 % of the throughput. */
const largeBlock = 1024 * 1024;

/** Bytes of one read while many read at once, so that slow readers don't hold much memory. */
const smallBlock = 64 * 1024;

/** Readers that get large blocks; each holds two, and its consumer one more. */
const mostLarge = 16;

let readers = 0;

/** Reads a part of a file, a block ahead of its consumer, and closes the file. @throws OciError `STORAGE_…` */
export async function* readFilePart(
  file: FileHandle,
  { path, start, end, signal }: FilePart,
): AsyncGenerator<Uint8Array, void, undefined> {
  readers += 1;
  let position = start;
  const next = async (): Promise<Uint8Array> => {
    const most = readers > mostLarge ? smallBlock : largeBlock;
    const block = Buffer.allocUnsafe(Math.max(0, Math.min(most, end + 1 - position)));
    const { bytesRead } = await file.read(block, 0, block.byteLength, position);
    position += bytesRead;
    return block.subarray(0, bytesRead);
  };
  let ahead = next();
  try {
    for (let block = await onBlock(path, ahead); block.byteLength > 0;) {
      throwIfAborted(signal);
      ahead = next();
      // Told when it is asked for.
      ahead.catch(() => {});
      yield block;
      block = await onBlock(path, ahead);
    }
  } finally {
    readers -= 1;
    await ahead.catch(() => {});
    await file.close();
  }
}

function onBlock(path: string, block: Promise<Uint8Array>): Promise<Uint8Array> {
  return onStorage({ path }, () => block);
}
