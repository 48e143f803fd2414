import { accessSync, constants } from 'node:fs';

/** Where a file system in memory is, so that a disk's flush doesn't hide what a program does; undefined where none is. */
export const memoryDirectory = writable('/dev/shm');

/** @param {string} path */
function writable(path) {
  try {
    accessSync(path, constants.W_OK);
    return path;
  } catch {
    return undefined;
  }
}
