import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { isOciError } from '@oci/spec-types';
import { TemporaryFiles, isMissing, withFileLock } from '@oci/spec-types/node';

/** What interrupted work left behind, and was removed or would be. */
export interface Leftovers {
  readonly temporaryFiles: number;
  readonly partialDownloads: number;
  readonly quarantined: number;
  /** Of partial downloads and quarantined blobs. */
  readonly bytes: number;
}

const dayMs = 24 * 60 * 60_000;
/** Milliseconds without a change after which a partial download is not gone on with, and damage not looked at. */
const restMs = { partial: 7 * dayMs, quarantine: 30 * dayMs } as const;

/** Removes what killed processes left, once it has rested long enough that nobody comes back for it. */
export async function removeLeftovers(
  { dir }: { readonly dir: string },
  { now, dryRun }: { readonly now: number; readonly dryRun: boolean },
): Promise<Leftovers> {
  const temporaryFiles = dryRun ? 0 : await new TemporaryFiles(join(dir, '.tmp')).reclaim(now);
  let partialDownloads = 0;
  let quarantined = 0;
  let bytes = 0;
  for (const { name, path, size } of await rested(join(dir, 'partial'), now - restMs.partial)) {
    if (!dryRun && !(await removePartial(dir, name, path))) continue;
    bytes += size;
    if (name.endsWith('.partial')) partialDownloads += 1;
  }
  for (const { path, size } of await rested(join(dir, 'quarantine'), now - restMs.quarantine)) {
    if (!dryRun) await rm(path, { force: true });
    bytes += size;
    quarantined += 1;
  }
  return { temporaryFiles, partialDownloads, quarantined, bytes };
}

async function rested(
  directory: string,
  before: number,
): Promise<readonly { name: string; path: string; size: number }[]> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  const found: { name: string; path: string; size: number }[] = [];
  for (const name of names) {
    const path = join(directory, name);
    const info = await stat(path).catch(() => undefined);
    if (info && info.mtimeMs < before) found.push({ name, path, size: info.size });
  }
  return found;
}

/** @returns false when somebody downloads it just now */
async function removePartial(dir: string, name: string, path: string): Promise<boolean> {
  const lock = join(
    dir,
    '.locks',
    'downloads',
    name.replace(/\.(?:partial|journal|journal\.new|wrong)$/, ''),
  );
  try {
    await withFileLock(lock, () => rm(path, { force: true }), { patienceMs: 0 });
    await rm(lock, { recursive: true, force: true });
    return true;
  } catch (error) {
    if (isOciError(error, 'STORAGE_FAILED')) return false;
    throw error;
  }
}
