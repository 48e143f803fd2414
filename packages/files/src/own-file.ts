import { type Stats, closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import { dirname, relative } from 'node:path';

import { OciError } from '@oci/spec-types';
import { shownPath } from './descriptor-path.js';
import { makeDirectoryBelow, refuseLinks } from './directory-below.js';
import { hasCode, isMissing, unlessMissing } from './storage-failure.js';

/** Neither follows a link nor waits for a pipe. */
const ownOnly = constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** What opening a link or a pipe fails with. */
const plantedCodes = ['ELOOP', 'EMLINK', 'ENXIO'] as const;

function unlessPlanted(error: unknown): undefined {
  return hasCode(error, ...plantedCodes) ? undefined : unlessMissing(error);
}

/**
 * Opens a file to go on with what is in it, or makes it. What is not a file of its own (a symbolic or a hard link, a
 * pipe) is replaced by a new one.
 */
export async function openOwnFile(path: string): Promise<FileHandle> {
  const file = await open(path, constants.O_RDWR | ownOnly).catch(unlessPlanted);
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
  const flags = constants.O_WRONLY | constants.O_CREAT | ownOnly | end;
  const write = async (): Promise<void> => {
    refuseLinks(root, path);
    const file = await open(path, flags, 0o644);
    await file.writeFile(text).finally(() => file.close());
  };
  await write().catch(async (error: unknown) => {
    if (hasCode(error, ...plantedCodes)) await rm(path, { force: true });
    else if (isMissing(error)) await makeDirectoryBelow(root, relative(root, dirname(path)));
    else throw error;
    await write();
  });
}

/** Bytes of a note: what is larger was not written here. */
const maxNoteBytes: number = 64 * 1024 * 1024;
const readFlags = constants.O_RDONLY | ownOnly;

/**
 * Reads what {@link writeNote} wrote. A link is not followed, a pipe is not waited for, and an endless device is not
 * read: what somebody put there instead is as a missing note.
 */
export async function readNote(
  path: string,
  mostBytes: number = maxNoteBytes,
): Promise<string | undefined> {
  const file = await open(path, readFlags).catch(unlessPlanted);
  if (!file) return undefined;
  try {
    return isNote(await file.stat(), mostBytes) ? await file.readFile('utf8') : undefined;
  } finally {
    await file.close();
  }
}

/** The same as {@link readNote}, without giving way. */
export function readNoteAtOnce(path: string): string | undefined {
  let file: number;
  try {
    file = openSync(path, readFlags);
  } catch (error) {
    return unlessPlanted(error);
  }
  try {
    return isNote(fstatSync(file), maxNoteBytes) ? readFileSync(file, 'utf8') : undefined;
  } finally {
    closeSync(file);
  }
}

function isNote(info: Stats, mostBytes: number): boolean {
  // A directory fails as to read one does: that says nothing of what was written.
  return (info.isFile() || info.isDirectory()) && info.size <= mostBytes;
}

/** Refuses a directory where a file is going to be, before anything is made for it. @throws OciError `USAGE` */
export async function refuseDirectory(path: string): Promise<void> {
  const info = await stat(path).catch(() => undefined);
  if (!info?.isDirectory()) return;
  throw new OciError('USAGE', `${shownPath(path)} is a directory`, {
    hint: 'Name the file in it that it goes to.',
  });
}
