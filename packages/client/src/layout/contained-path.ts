import { constants } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';

import { OciError } from '@oci/spec-types';
import { isMissing, makeDirectoryBelow } from '@oci/files';

/**
 * Opens a regular file below a directory that somebody else may have made: a link in it may lead to
 * another place in it, but not out of it, and a pipe or a device is no file.
 *
 * @returns undefined when it does not exist
 * @throws OciError `POLICY_REFUSED`
 */
export async function openContained(
  root: string,
  relative: string,
): Promise<{ readonly file: FileHandle; readonly size: number } | undefined> {
  try {
    const path = await containedPath(root, relative);
    // A pipe would be waited for at its opening.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const info = await file.stat();
    if (info.isFile()) return { file, size: info.size };
    await file.close();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  throw new OciError('POLICY_REFUSED', `${join(root, relative)} is not a regular file`);
}

/** A directory below another, made when it is missing; no link leads there. @throws OciError `POLICY_REFUSED` */
export async function containedDirectory(root: string, relative: string): Promise<string> {
  await makeDirectoryBelow(root, relative);
  return join(root, relative);
}

/** Where a path below a directory really is. @throws OciError `POLICY_REFUSED` when that is outside */
async function containedPath(root: string, relative: string): Promise<string> {
  const [realRoot, real] = await Promise.all([realpath(root), realpath(join(root, relative))]);
  if (real === realRoot || real.startsWith(realRoot.endsWith(sep) ? realRoot : realRoot + sep))
    return real;
  throw new OciError('POLICY_REFUSED', `${join(root, relative)} leads out of ${root}`, {
    hint: 'A layout holds all that it consists of; copy what the link leads to.',
  });
}
