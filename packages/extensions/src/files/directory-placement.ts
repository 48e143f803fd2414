import { lstat, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { unpackPackedDirectory } from '../recognise/packed-directory.js';
import { type Descriptor, OciError } from '@oci/spec-types';
import { shownPath, unlessMissing, withDirectoryBelow } from '@oci/files';

/** The destination of a packed directory. */
interface DirectoryPlace {
  /** A path to the directory above, which is held open. */
  readonly above: string;
  readonly name: string;
  readonly keepOldFiles: boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * Unpacks a directory that ORAS packed beside its place, then moves each file into the directory that is there:
 * other files in it stay, and a link in it is never followed.
 *
 * @throws OciError `ARCHIVE_UNSAFE`, `POLICY_REFUSED`, `DIGEST_MISMATCH`, `STORAGE_…`
 */
export async function placeDirectory(
  archivePath: string,
  layer: Descriptor,
  { above, name, keepOldFiles, signal }: DirectoryPlace,
): Promise<void> {
  const staging = `${archivePath}.unpacked`;
  try {
    // A call that was killed may have left one.
    await rm(staging, { recursive: true, force: true });
    await unpackPackedDirectory(archivePath, { layer, destination: staging }, { signal });
    const place = join(above, name);
    // All of them first, so that what is refused changes nothing.
    await refuseTaken(staging, place, keepOldFiles);
    await merge(staging, { root: above, relative: name });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

interface Target {
  readonly root: string;
  readonly relative: string;
}

async function merge(from: string, target: Target): Promise<void> {
  const { root, relative } = target;
  const entries = await readdir(from, { withFileTypes: true });
  await withDirectoryBelow(root, relative, async (directory) => {
    for (const entry of entries.filter((one) => !one.isDirectory()))
      await rename(join(from, entry.name), join(directory, entry.name));
  });
  for (const { name } of entries.filter((one) => one.isDirectory()))
    await merge(join(from, name), { ...target, relative: join(relative, name) });
}

async function refuseTaken(from: string, to: string, keepOldFiles: boolean): Promise<void> {
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const path = join(to, entry.name);
    if (entry.isDirectory()) await refuseTaken(join(from, entry.name), path, keepOldFiles);
    else await refuseTakenFile(path, keepOldFiles);
  }
}

async function refuseTakenFile(path: string, keepOldFiles: boolean): Promise<void> {
  const there = await lstat(path).catch(unlessMissing);
  if (there?.isDirectory()) {
    throw new OciError(
      'USAGE',
      `${shownPath(path)} is a directory, and the artifact has a file there`,
      {
        hint: 'Move it away, or choose another directory.',
        reason: { kind: 'file-taken', by: 'directory' },
      },
    );
  }
  if (there && keepOldFiles) {
    throw new OciError('POLICY_REFUSED', `${shownPath(path)} is there already`, {
      hint: 'Move it away, or leave out `keepOldFiles` to replace it.',
      reason: { kind: 'file-taken', by: 'file' },
    });
  }
}
