import { constants } from 'node:fs';
import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import { dirname, relative } from 'node:path';

import { OciError } from '../index.js';
import { shownPath } from './descriptor-path.js';
import { makeDirectoryBelow, refuseLinks } from './directory-below.js';
import { hasCode, isMissing } from './storage-failure.js';

/**
 * Opens a file to go on with what is in it, or makes it. What is not a file of its own (a symbolic or a hard link, a
 * pipe) is replaced by a new one.
 */
export async function openOwnFile(path: string): Promise<FileHandle> {
  const flags = constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags).catch((error: unknown) => {
    if (isMissing(error) || hasCode(error, 'ELOOP', 'EMLINK', 'ENXIO')) return undefined;
    throw error;
  });
  if (file) {
    const info = await file.stat();
    if (info.isFile() && info.nlink === 1) return file;
    await file.close();
  }
  await rm(path, { force: true });
  return open(path, 'wx+', 0o644);
}

/**
 * Writes or appends to a small file below a root, whose directories are made when they are missing: not as a whole, so
 * for what may be torn. A symbolic link in its place is replaced, and so is a pipe, which would be waited for.
 *
 * @throws OciError `POLICY_REFUSED`
 */
export async function writeNote(
  { root, path }: { readonly root: string; readonly path: string },
  text: string,
  { append = false }: { readonly append?: boolean } = {},
): Promise<void> {
  const end = append ? constants.O_APPEND : constants.O_TRUNC;
  const { O_WRONLY, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
  const flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | end;
  const write = async (): Promise<void> => {
    refuseLinks(root, path);
    const file = await open(path, flags, 0o644);
    await file.writeFile(text).finally(() => file.close());
  };
  await write().catch(async (error: unknown) => {
    if (hasCode(error, 'ELOOP', 'EMLINK', 'ENXIO')) await rm(path, { force: true });
    else if (isMissing(error)) await makeDirectoryBelow(root, relative(root, dirname(path)));
    else throw error;
    await write();
  });
}

/** Refuses a directory where a file is going to be, before anything is made for it. @throws OciError `USAGE` */
export async function refuseDirectory(path: string): Promise<void> {
  const info = await stat(path).catch(() => undefined);
  if (!info?.isDirectory()) return;
  throw new OciError('USAGE', `${shownPath(path)} is a directory`, {
    hint: 'Name the file in it that it goes to.',
  });
}
