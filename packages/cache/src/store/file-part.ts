import type { FileHandle } from 'node:fs/promises';

import { throwIfAborted } from '@oci/spec-types';
import { onStorage } from '@oci/files';

import { SharedBlocks } from './shared-blocks.js';

/** A part of a file, and who waits for it. */
export interface FilePart {
  readonly path: string;
  /** Tells the file from any other that had, or gets, its path. */
  readonly version: string;
  readonly start: number;
  /** The last byte that is read. */
  readonly end: number;
  readonly signal: AbortSignal | undefined;
}

/** Bytes of one read of a file's only reader: Node's default costs 40 % of the throughput. */
const largeBlock = 1024 * 1024;

/** Bytes of one read of a file that several read: few enough to stay in the processor's cache. */
const sharedBlock = 256 * 1024;

/** Bytes of one read while many read at once, so that slow readers don't hold much memory. */
const smallBlock = 64 * 1024;

/** Readers that get larger blocks than the small ones; each holds two, and its consumer one more. */
const mostLarge = 16;

let readers = 0;

/** What is in memory once, however many read it side by side. */
const shared = new SharedBlocks(32 * 1024 * 1024);

/**
 * Reads a part of a file, a block ahead of its consumer, and closes the file. Others may get the same blocks:
 * nobody may write into them.
 *
 * @throws OciError `STORAGE_…`
 */
export async function* readFilePart(
  file: FileHandle,
  { path, version, start, end, signal }: FilePart,
): AsyncGenerator<Uint8Array, void, undefined> {
  const name = `${version} ${path}`;
  readers += 1;
  shared.enter(name);
  let position = start;
  const next = async (): Promise<Uint8Array> => {
    const at = position;
    const size = Math.min(blockAt(name, at), end + 1 - at);
    const bytes = await shared.take({ file: name, position: at, size }, () =>
      readBlock(file, at, size),
    );
    position += bytes.byteLength;
    return bytes;
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
    shared.leave(name);
    await ahead.catch(() => {});
    await file.close();
  }
}

/** Up to the next multiple of a block, so that readers meet wherever they began. */
function blockAt(name: string, position: number): number {
  const alone = shared.readersOf(name) < 2 ? largeBlock : sharedBlock;
  const most = readers > mostLarge ? smallBlock : alone;
  return most - (position % most);
}

async function readBlock(file: FileHandle, position: number, size: number): Promise<Uint8Array> {
  const block = Buffer.allocUnsafe(Math.max(0, size));
  const { bytesRead } = await file.read(block, 0, block.byteLength, position);
  return block.subarray(0, bytesRead);
}

function onBlock(path: string, block: Promise<Uint8Array>): Promise<Uint8Array> {
  return onStorage({ path }, () => block);
}
