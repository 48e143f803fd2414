import { stat, statfs } from 'node:fs/promises';
import { resolve } from 'node:path';

import { OciError } from '@oci/spec-types';

/**
 * Refuses what the file system of a directory has no room for, before anything is written.
 *
 * @param neededBytes what is going to be written
 * @throws OciError `STORAGE_FULL`
 */
export async function ensureFreeSpace(directory: string, neededBytes: number): Promise<void> {
  const space = await statfs(directory).catch(() => undefined);
  // Some network file systems don't tell.
  if (!space || space.blocks === 0) return;
  const freeBytes = space.bavail * space.bsize;
  if (neededBytes <= freeBytes) return;
  throw new OciError(
    'STORAGE_FULL',
    `no space is left for ${directory}: ${freeBytes} bytes are free, ${neededBytes} bytes are needed`,
    { hint: 'Free some space, or choose another directory.', path: resolve(directory) },
  );
}

/** Bytes that a file takes on the disk; fewer than its size where it has holes. 0 without the file. */
export async function allocatedBytes(path: string): Promise<number> {
  const info = await stat(path).catch(() => undefined);
  return info ? Math.min(info.size, info.blocks * 512) : 0;
}
