import { type Stats, constants, lstatSync } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { join, relative as relativePath, sep } from 'node:path';

import { OciError } from '@oci/spec-types';
import { descriptorPath, hasDescriptorPaths, shownPath } from './descriptor-path.js';
import { hasCode, isMissing, storageFailure } from './storage-failure.js';

/**
 * Refuses a path when a directory between it and `root` is a symbolic link. The root may be one: the user names it.
 * Synchronous, so that nothing of this process comes between the look and what follows it.
 *
 * @throws OciError `POLICY_REFUSED`, `STORAGE_DENIED` when a directory on the way may not be read
 */
export function refuseLinks(root: string, path: string): void {
  const names = relativePath(root, path).split(sep).slice(0, -1);
  let at = root;
  for (const name of names) {
    at = join(at, name);
    const info = statOf(at);
    if (info === undefined) return;
    if (info.isSymbolicLink()) throw linkRefused(at);
  }
}

function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    // Below a file there is no link; what is to be written there fails by itself.
    if (isMissing(error)) return undefined;
    throw storageFailure(error, { path });
  }
}

/** Makes a directory below a root, with those on the way. @throws OciError `POLICY_REFUSED` for a link among them */
export async function makeDirectoryBelow(
  root: string,
  relative: string,
): Promise<string | undefined> {
  const inside = join(root, relative, '.directory');
  refuseLinks(root, inside);
  const first = await mkdir(join(root, relative), { recursive: true });
  refuseLinks(root, inside);
  return first;
}

/**
 * Runs `work` with a path to a directory below a root, which is made when it is missing. Where the system can, the
 * path names the open directory: it stays the same directory, whatever takes its place meanwhile.
 *
 * @throws OciError `POLICY_REFUSED` when a directory below the root is a symbolic link
 */
export async function withDirectoryBelow<T>(
  root: string,
  relative: string,
  work: (directory: string) => Promise<T>,
): Promise<T> {
  if (!hasDescriptorPaths) {
    await makeDirectoryBelow(root, relative);
    return work(join(root, relative));
  }
  let held = await open(root, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    for (const name of relative.split(sep).filter((part) => part !== '' && part !== '.')) {
      const next = await openBelow(held, name);
      await held.close();
      held = next;
    }
    return await work(descriptorPath(held.fd));
  } finally {
    await held.close();
  }
}

async function openBelow(above: FileHandle, name: string): Promise<FileHandle> {
  const path = join(descriptorPath(above.fd), name);
  await mkdir(path).catch((error: unknown) => {
    if (!hasCode(error, 'EEXIST')) throw error;
  });
  try {
    return await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (error) {
    const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink();
    throw isLink ? linkRefused(path) : error;
  }
}

function linkRefused(path: string): OciError {
  return new OciError(
    'POLICY_REFUSED',
    `${shownPath(path)} is a symbolic link: nothing is written behind it`,
    {
      hint: 'Remove the link, or name the directory itself that it leads to.',
    },
  );
}
