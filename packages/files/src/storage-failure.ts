import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

import { OciError, type OciErrorCode, isOciError } from '@oci/spec-types';
import { shownPath } from './descriptor-path.js';

/** What was done, where, and how many bytes it needs, when that is known. */
export interface StorageAction {
  readonly path: string;
  readonly neededBytes?: number | undefined;
}

/**
 * What a failure of the file system means, with the path; a failure that isn't its own passes.
 *
 * @returns `STORAGE_FULL`, `STORAGE_DENIED` or `STORAGE_FAILED`
 */
export function storageFailure(cause: unknown, { path: at, neededBytes }: StorageAction): unknown {
  const path = shownPath(at);
  if (isOciError(cause) || !isSystemError(cause)) return cause;
  const code = codeOf(cause, path) ?? cause.code;
  const failure = (kind: OciErrorCode, message: string, hint?: string): OciError =>
    new OciError(kind, message, { cause, hint, path: resolve(path) });
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return failure(
        'STORAGE_FULL',
        `no space is left for ${path}${spaceOf(path, neededBytes)}`,
        'Free some space, or choose another directory.',
      );
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return failure(
        'STORAGE_DENIED',
        `${path} can not be written (${code})`,
        'Check its owner and mode, or choose another directory.',
      );
    case 'ENAMETOOLONG':
      return failure(
        'STORAGE_FAILED',
        `the path ${path.slice(0, 400)} is too long for the file system`,
      );
    default:
      return failure('STORAGE_FAILED', `${path}: ${plainly(code, cause)}`, hints[code]);
  }
}

/** Of the path alone: what was made aside of it, under which name, is nothing to look for. */
const meanings: Readonly<Record<string, string>> = {
  EEXIST: 'there is a file in the place of a directory',
  EIO: 'the disk fails to read or to write',
  EISDIR: 'there is a directory in the place of a file',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
  ENOENT: 'there is no such file or directory',
  ENOTDIR: 'a part of the path is a file, not a directory',
};

const hints: Readonly<Record<string, string>> = {
  EEXIST: 'Choose another path.',
  EISDIR: 'Name a file.',
  EMFILE: 'Raise the limit with: ulimit -n 4096',
  ENOENT: 'Is the path right? Make its directory first.',
  ENOTDIR: 'Is the path right?',
};

function plainly(code: string | undefined, { message, syscall }: NodeJS.ErrnoException): string {
  if (code === undefined || (code === 'EEXIST' && syscall !== 'mkdir')) return message;
  const meaning = meanings[code];
  return meaning === undefined ? message : `${meaning} (${code})`;
}

/** Runs file operations on a path and tells their failures in our terms. */
export async function onStorage<T>(action: StorageAction, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storageFailure(error, action);
  }
}

export function isMissing(error: unknown): boolean {
  return isSystemError(error) && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

/** Turns the failure "there is no such file" into undefined, and passes all others. */
export function unlessMissing(error: unknown): undefined {
  if (isMissing(error)) return undefined;
  throw error;
}

export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return isSystemError(error) && codes.includes(error.code);
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException & { code: string } {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    'syscall' in error
  );
}

/** Making directories in a read-only file system, Node says that they are missing. */
function codeOf({ code, syscall }: NodeJS.ErrnoException, path: string): string | undefined {
  if (code !== 'ENOENT' || syscall !== 'mkdir') return code;
  let above = dirname(path);
  while (!existsSync(above) && above !== dirname(above)) above = dirname(above);
  try {
    accessSync(above, constants.W_OK);
    return code;
  } catch (error) {
    return isSystemError(error) ? error.code : code;
  }
}

function spaceOf(path: string, neededBytes: number | undefined): string {
  try {
    const { bavail, bsize } = statfsSync(dirname(path));
    const needed = neededBytes === undefined ? '' : `, ${neededBytes} bytes are needed`;
    return `: ${bavail * bsize} bytes are free${needed}`;
  } catch {
    return '';
  }
}
