import { constants } from 'node:fs';
import { copyFile, lstat, rm } from 'node:fs/promises';

/** Copies a file to a new path, sharing its storage where the file system can. */
export async function cloneFile(path: string, target: string): Promise<void> {
  await copyFile(path, target, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
}

/**
 * Copies a file to a new path that nobody else writes, and checks the copy: what is then used is what was checked,
 * whoever changes the file meanwhile.
 *
 * @returns false when it is not right, and nothing is at the path then
 */
export async function checkedCopy(
  path: string,
  target: string,
  isRight: (copy: string) => Promise<boolean>,
): Promise<boolean> {
  // The copy of a pipe, or of an endless device, would not end.
  if (!(await lstat(path)).isFile()) return false;
  await cloneFile(path, target);
  if (await isRight(target)) return true;
  await rm(target, { force: true });
  return false;
}
