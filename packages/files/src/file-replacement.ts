import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { hasCode } from './storage-failure.js';
import type { TemporaryFiles } from './temporary-files.js';

export type FileContent = string | Uint8Array | AsyncIterable<Uint8Array>;

export interface FileOptions {
  /** Permissions of the file, before the umask. Default 0o644. */
  readonly mode?: number | undefined;
  /**
   * What survives a power cut: with `content`, a file under its name is whole; with `name`, it is also there.
   * Without either nothing is synced, and only a killed process leaves no torn file.
   */
  readonly sync?: 'content' | 'name' | undefined;
}

export interface ReplacementOptions extends FileOptions {
  /** Where the new file is written; of the same file system. Default: the directory of the file. */
  readonly temporaryFiles?: TemporaryFiles | undefined;
}

/**
 * Replaces a file as a whole, or makes it: readers see the old content or the new. A symbolic link at
 * `path` is replaced, never followed.
 *
 * @param content the bytes, or a function that makes a new file with them at the path it gets
 */
export async function replaceFile(
  path: string,
  content: FileContent | ((temporary: string) => Promise<void>),
  options: ReplacementOptions = {},
): Promise<void> {
  const { temporaryFiles, mode, sync } = options;
  const temporary = temporaryFiles ? await temporaryFiles.create() : temporaryBeside(path);
  try {
    if (typeof content === 'function') {
      await content(temporary);
      if (sync) await syncFile(temporary);
    } else {
      await createFile(temporary, content, { mode, sync: sync && 'content' });
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  if (sync === 'name') await syncDirectory(dirname(path));
}

/**
 * Makes a new file, and removes it when it cannot be written whole.
 *
 * @throws a system error; `EEXIST` when anything is at the path, a link included
 */
export async function createFile(
  path: string,
  content: FileContent,
  { mode = 0o644, sync }: FileOptions = {},
): Promise<void> {
  const file = await open(path, 'wx', mode);
  try {
    const isWhole = typeof content === 'string' || content instanceof Uint8Array;
    for await (const chunk of isWhole ? [content] : content) await file.writeFile(chunk);
    if (sync) await file.sync();
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  if (sync === 'name') await syncDirectory(dirname(path));
}

/** A path beside another that nobody else uses or foresees. */
export function temporaryBeside(path: string): string {
  // So much of the name that the file system takes the whole.
  const name = basename(path).slice(0, 50);
  return join(dirname(path), `${name}.${process.pid}-${randomBytes(12).toString('hex')}.tmp`);
}

/** Writes the bytes of a file through to the disk. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  await file.sync().finally(() => file.close());
}

/** Writes the names in a directory through to the disk: a new or renamed file is there after a power cut only then. */
export async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } catch (error) {
    // A file system that cannot do it has nothing better.
    if (!hasCode(error, 'EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EPERM', 'EBADF')) throw error;
  } finally {
    await directory.close();
  }
}
