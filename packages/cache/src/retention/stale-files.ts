import { randomBytes } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { isOciError } from '@oci/spec-types';
import { TemporaryFiles, ownProcess, refuseLinks, unlessMissing, withFileLock } from '@oci/files';

import { paths } from '../cache-format.js';

/** What interrupted work left behind, and was removed or would be. */
export interface StaleFiles {
  readonly temporaryFiles: number;
  readonly partialDownloads: number;
  readonly quarantined: number;
  /** Of partial downloads and quarantined blobs. */
  readonly bytes: number;
}

const dayMs = 24 * 60 * 60_000;
/**
 * Milliseconds without a change after which a partial download is not gone on with, a quarantined blob not looked at, and
 * the lock of a killed download not waited for.
 */
const idleMs = { partial: 7 * dayMs, quarantine: 30 * dayMs, lock: dayMs } as const;

/** Removes what killed processes left, once it has been idle long enough that nobody comes back for it. */
export async function removeStaleFiles(
  { dir }: { readonly dir: string },
  { now, dryRun }: { readonly now: number; readonly dryRun: boolean },
): Promise<StaleFiles> {
  const temporaryFiles = dryRun
    ? 0
    : await new TemporaryFiles(join(dir, paths.temporary)).reclaim(now);
  let partialDownloads = 0;
  let quarantined = 0;
  let bytes = 0;
  for (const name of [paths.partial, paths.quarantine, paths.downloadLocks])
    refuseLinks(dir, join(dir, name, 'file'));
  for (const { name, path, size } of await idle(join(dir, paths.partial), now - idleMs.partial)) {
    if (!dryRun && !(await removePartial(dir, name, path))) continue;
    bytes += size;
    if (name.endsWith('.partial')) partialDownloads += 1;
  }
  for (const { path, size } of await idle(join(dir, paths.quarantine), now - idleMs.quarantine)) {
    if (!dryRun) await rm(path, { force: true });
    bytes += size;
    quarantined += 1;
  }
  const locks = dryRun ? [] : await idle(locksOf(dir), now - idleMs.lock);
  for (const { path } of locks) await removeLock(dir, path);
  return { temporaryFiles, partialDownloads, quarantined, bytes };
}

function locksOf(dir: string): string {
  return join(dir, paths.downloadLocks);
}

async function idle(
  directory: string,
  before: number,
): Promise<readonly { name: string; path: string; size: number }[]> {
  const names = (await readdir(directory).catch(unlessMissing)) ?? [];
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
  const digest = name.replace(/\.(?:partial|journal|journal\.new|wrong)$/, '');
  return removeLock(dir, join(locksOf(dir), digest), () => rm(path, { force: true }));
}

/** Removes a lock, and while it is held what it is for. @returns false when somebody has it just now */
async function removeLock(
  dir: string,
  lock: string,
  removeContent: () => Promise<void> = async () => {},
): Promise<boolean> {
  try {
    const trash = join(dir, paths.temporary, `${ownProcess}-${randomBytes(12).toString('hex')}`);
    await withFileLock(lock, removeContent, { patienceMs: 0, trash });
    return true;
  } catch (error) {
    if (isOciError(error, 'STORAGE_FAILED')) return false;
    throw error;
  }
}
