import { open, readFile, stat, unlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import { OciError } from '@oci/spec-types';

import { hasCode } from './storage-failure.js';
import { isAlive } from './temporary-files.js';

/** How long a lock is waited for, how often it is looked at, and when nobody can still hold it. Milliseconds. */
const timing = { patienceMs: 30_000, pollMs: 10, staleMs: 60_000 };

/**
 * Runs `work` while a lock file stands, made so that only one process can have made it. A lock whose
 * process is gone, or that is older than any work takes, is taken over.
 *
 * @throws OciError `STORAGE_FAILED` when it stays locked for 30 s
 */
export async function withFileLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const mine = `${process.pid} ${Date.now()} ${Math.random()}`;
  await acquire(path, mine);
  try {
    return await work();
  } finally {
    const holder = await readFile(path, 'utf8').catch(() => '');
    if (holder === mine) await unlink(path).catch(() => {});
  }
}

async function acquire(path: string, mine: string): Promise<void> {
  const until = Date.now() + timing.patienceMs;
  while (!(await tryCreate(path, mine))) {
    await removeIfStale(path);
    if (Date.now() > until) {
      throw new OciError('STORAGE_FAILED', `${path} stays locked by another process`, {
        hint: 'When no other process uses the directory, remove that file.',
      });
    }
    await sleep(timing.pollMs * (0.5 + Math.random()));
  }
}

async function tryCreate(path: string, content: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx');
    await file.writeFile(content).finally(() => file.close());
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

async function removeIfStale(path: string): Promise<void> {
  const [holder, info] = await Promise.all([
    readFile(path, 'utf8').catch(() => undefined),
    stat(path).catch(() => undefined),
  ]);
  if (holder === undefined || !info) return;
  const age = Date.now() - info.mtimeMs;
  // A holder that has not yet written its number is young.
  const isGone = holder !== '' && !isAlive(Number.parseInt(holder, 10)) && age > 1_000;
  if (age > timing.staleMs || isGone) await unlink(path).catch(() => {});
}
