import { BlockPool } from '../transport/block-pool.js';

/** Bytes of a block that a small blob is received into, to be written at once. */
const wholeBlock = 1024 * 1024;

/** Blocks for the small blobs of one registry, which follow each other quickly: each would make its own. */
export function wholeBlocks(): BlockPool {
  return new BlockPool(() => wholeBlock);
}

/** The blocks for one small blob: shared ones, unless most of a block would stay empty. */
export function blocksFor(size: number, shared: BlockPool): BlockPool {
  return 2 * size >= wholeBlock ? shared : new BlockPool(() => size);
}
