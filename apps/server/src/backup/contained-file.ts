import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';

import { hasCode, isMissing, onStorage, refuseLinks } from '@oci/files';
import { OciError } from '@oci/spec-types';
import { readBytes } from '@oci/spec-types/node';

/** Bytes that are read at once. */
const chunkSize = 256 * 1024;

/** A regular file below a directory that somebody else may have made. */
export interface ContainedFile {
  readonly file: FileHandle;
  /** Bytes. */
  readonly size: number;
}

/**
 * Opens a file below a directory, through no symbolic link; a pipe or a device is no file.
 *
 * @returns undefined when it does not exist
 * @throws OciError `POLICY_REFUSED`, `STORAGE_…`
 */
export function openContained(root: string, relative: string): Promise<ContainedFile | undefined> {
  const path = join(root, relative);
  return onStorage({ path }, async () => {
    refuseLinks(root, path);
    try {
      // A pipe would be waited for at its opening.
      const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
      const file = await open(path, flags);
      const info = await file.stat();
      if (info.isFile()) return { file, size: info.size };
      await file.close();
    } catch (error) {
      if (isMissing(error)) return undefined;
      if (!hasCode(error, 'ELOOP', 'EMLINK', 'ENXIO')) throw error;
    }
    throw new OciError('POLICY_REFUSED', `${path} is not a regular file`, {
      hint: 'Links are not followed: put the file itself there.',
    });
  });
}

/** Reads a small file as {@link openContained}. @throws OciError also `LIMIT_EXCEEDED` */
export async function readContained(
  root: string,
  relative: string,
  limit: number,
): Promise<Buffer | undefined> {
  const opened = await openContained(root, relative);
  if (!opened) return undefined;
  return readBytes(chunksOf(opened, join(root, relative)), { limit, what: join(root, relative) });
}

/** The bytes of an opened file, which is closed behind them. */
export async function* chunksOf(
  { file }: ContainedFile,
  path: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for (;;) {
      const buffer = Buffer.allocUnsafe(chunkSize);
      const { bytesRead } = await onStorage({ path }, () => file.read(buffer, 0, chunkSize));
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}
