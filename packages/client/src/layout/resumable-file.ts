import { mkdir, open, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

import { type Digest, digestAlgorithm, digestEncoded } from '@oci/spec-types';
import { isAlive, isMissing, withFileLock } from '@oci/spec-types/node';

/** What an interrupted download left is gone on with for a week. */
const keptMs = 7 * 24 * 60 * 60_000;

/** A file that a download is gone on with, also by another process; one at a time has it. */
export interface ResumableFile {
  readonly path: string;
  release(): Promise<void>;
}

/**
 * Claims the file of a digest in a directory.
 *
 * @returns undefined while another download, of this or another process, has it
 */
export async function claimResumable(
  directory: string,
  digest: Digest,
): Promise<ResumableFile | undefined> {
  await mkdir(directory, { recursive: true });
  const path = join(directory, `${digestAlgorithm(digest)}-${digestEncoded(digest)}`);
  const claim = `${path}.owner`;
  const isMine = await withFileLock(join(directory, 'lock'), async () => {
    if (await isOwned(claim)) return false;
    await writeFile(claim, `${process.pid} ${hostname()}`);
    return true;
  });
  if (!isMine) return undefined;
  return { path, release: () => rm(claim, { force: true }) };
}

/** Removes what nobody went on with for a week. */
export async function dropAbandoned(directory: string, now: number = Date.now()): Promise<void> {
  const names = await readdir(directory).catch(() => []);
  for (const name of names.filter((name) => name !== 'lock')) {
    const path = join(directory, name);
    const info = await stat(path).catch(() => undefined);
    if (info && now - info.mtimeMs > keptMs) await rm(path, { force: true }).catch(() => {});
  }
}

async function isOwned(claim: string): Promise<boolean> {
  try {
    const [owner, { mtimeMs }] = await Promise.all([readFile(claim, 'utf8'), stat(claim)]);
    const [pid, host] = owner.split(' ');
    if (host !== hostname()) return true;
    // In a container each process may have the same number: ours has claimed nothing before it began.
    const isEarlier = Number(pid) === process.pid && mtimeMs < performance.timeOrigin;
    return !isEarlier && isAlive(Number(pid));
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Makes sure that a file survives a power cut. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
