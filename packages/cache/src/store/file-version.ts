import type { ObjectInfo } from './object-store.js';

let lastTimestamp = 0;

/**
 * Returns seconds since the epoch, never the same twice: clocks of file systems move every few milliseconds,
 * and an inode may be used again before.
 */
export function nextTimestamp(): number {
  lastTimestamp = Math.max(lastTimestamp + 1, Date.now() * 1000);
  return lastTimestamp / 1_000_000;
}

/** Returns what is known of a file, whose version changes with its time, size or inode. */
export function infoOf(info: {
  size: bigint;
  mtimeNs: bigint;
  mtimeMs: bigint;
  ino: bigint;
}): ObjectInfo {
  return {
    size: Number(info.size),
    modifiedAt: Number(info.mtimeMs),
    version: `${info.mtimeNs}-${info.size}-${info.ino}`,
  };
}
