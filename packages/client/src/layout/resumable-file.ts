import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { type Digest, digestAlgorithm, digestEncoded, isOciError } from '@oci/spec-types';
import { temporaryBeside, withFileLock } from '@oci/files';

/** What an interrupted download left is gone on with for a week. */
const keptMs = 7 * 24 * 60 * 60_000;

/**
 * Runs `work` with the file of a digest in a directory, with which a download is gone on, also by another
 * process; one at a time has it.
 *
 * @returns false while another download, of this or another process, has it
 */
export async function withResumable(
  directory: string,
  digest: Digest,
  work: (path: string) => Promise<void>,
): Promise<boolean> {
  const path = join(directory, `${digestAlgorithm(digest)}-${digestEncoded(digest)}`);
  let hasBegun = false;
  const begin = (): Promise<void> => {
    hasBegun = true;
    return work(path);
  };
  try {
    await withFileLock(`${path}.lock`, begin, { patienceMs: 0, trash: temporaryBeside(path) });
    return true;
  } catch (error) {
    if (!hasBegun && isOciError(error, 'STORAGE_FAILED')) return false;
    throw error;
  }
}

/** Removes what nobody went on with for a week. */
export async function dropAbandoned(directory: string, now: number = Date.now()): Promise<void> {
  const names = await readdir(directory).catch(() => []);
  for (const name of names) {
    const path = join(directory, name);
    const info = await stat(path).catch(() => undefined);
    if (info && now - info.mtimeMs > keptMs)
      await rm(path, { recursive: true, force: true }).catch(() => {});
  }
}
