import { type Dirent, createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { isMissing } from '@oci/files';

/**
 * Whether two directories hold the same files, byte for byte, and nothing else; a link is never the same.
 *
 * @param except a file directly in them that is not compared
 */
export async function isSameTree(a: string, b: string, except?: string): Promise<boolean> {
  const [left, right] = (await Promise.all([entriesOf(a), entriesOf(b)])).map((entries) =>
    entries?.filter(({ name }) => name !== except),
  );
  if (left === undefined || right === undefined || left.length !== right.length) return false;
  for (const [at, entry] of left.entries()) {
    const other = right[at];
    const isSame = entry.name === other?.name && (await isSameEntry([a, b], entry, other));
    if (!isSame) return false;
  }
  return true;
}

async function isSameEntry(
  [a, b]: readonly [string, string],
  entry: Dirent,
  other: Dirent,
): Promise<boolean> {
  const paths = [join(a, entry.name), join(b, entry.name)] as const;
  if (entry.isDirectory() && other.isDirectory()) return isSameTree(...paths);
  return entry.isFile() && other.isFile() && isSameFile(...paths);
}

/** @returns undefined where there is no directory */
async function entriesOf(directory: string): Promise<readonly Dirent[] | undefined> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  return entries?.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function isSameFile(a: string, b: string): Promise<boolean> {
  const [left, right] = await Promise.all([stat(a), stat(b)]);
  // Executable or not is all that is unpacked of a mode.
  if (left.size !== right.size || (left.mode & 0o100) !== (right.mode & 0o100)) return false;
  const stream = createReadStream(b, { highWaterMark: chunkBytes });
  try {
    const other = stream[Symbol.asyncIterator]();
    for await (const chunk of createReadStream(a, { highWaterMark: chunkBytes })) {
      const next = await other.next();
      if (next.done || !(chunk as Buffer).equals(next.value as Buffer)) return false;
    }
    return (await other.next()).done === true;
  } finally {
    stream.destroy();
  }
}

const chunkBytes = 256 * 1024;
