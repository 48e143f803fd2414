import { constants } from 'node:fs';
import { copyFile } from 'node:fs/promises';

/** Copies a file to a new path, sharing its storage where the file system can. */
export async function cloneFile(path: string, target: string): Promise<void> {
  await copyFile(path, target, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
}
