import { mkdir, open, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { OciError } from '../index.js';
import { hasCode, isMissing, onStorage } from './storage-failure.js';
import { isAlive } from './temporary-files.js';

/** How long a lock is waited for, how often it is looked at, and when nobody can still hold it. Milliseconds. */
const timing = { patienceMs: 30_000, pollMs: 10, staleMs: 60_000 } as const;

const free = 'free';

/**
 * Runs `work` while this process holds a lock that many processes may ask for.
 *
 * The lock is a directory of numbered files, and whoever made the highest holds it until it says
 * `free`. Who finds a free or dead one makes the next number, which only one can; nobody ever removes
 * the highest. So a lock is taken over without the moment at which two believe that they hold it,
 * which removing a dead owner's file would have.
 *
 * @param options.patienceMs how long it is waited for; default 30 s
 * @throws OciError `STORAGE_FAILED` when it stays locked, and as `work` does
 */
export async function withFileLock<T>(
  directory: string,
  work: () => Promise<T>,
  { patienceMs = timing.patienceMs }: { readonly patienceMs?: number } = {},
): Promise<T> {
  const mine = await onStorage({ path: directory }, () => acquire(directory, patienceMs));
  try {
    return await work();
  } finally {
    await writeFile(mine, free).catch(() => {});
  }
}

async function acquire(directory: string, patienceMs: number): Promise<string> {
  await mkdir(directory, { recursive: true });
  const until = Date.now() + patienceMs;
  for (;;) {
    const numbers = await numbersIn(directory);
    const highest = numbers.at(-1);
    if (highest === undefined || (await isReleased(fileOf(directory, highest)))) {
      const mine = await claim(directory, (highest ?? 0) + 1);
      if (mine !== undefined) return mine;
    }
    if (Date.now() > until) {
      throw new OciError('STORAGE_FAILED', `${directory} stays locked by another process`, {
        hint: 'When no other process uses the directory, remove that one.',
      });
    }
    await sleep(timing.pollMs * (0.5 + Math.random()));
  }
}

/** Makes a number's file. Undefined when another made it, or a higher one, meanwhile. */
async function claim(directory: string, number: number): Promise<string | undefined> {
  const path = fileOf(directory, number);
  try {
    const file = await open(path, 'wx');
    await file.writeFile(`${process.pid} ${hostname()}`).finally(() => file.close());
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return undefined;
    throw error;
  }
  const numbers = await numbersIn(directory);
  if (numbers.at(-1) !== number) {
    await rm(path, { force: true });
    return undefined;
  }
  for (const old of numbers.slice(0, -1)) await rm(fileOf(directory, old), { force: true });
  return path;
}

async function isReleased(path: string): Promise<boolean> {
  try {
    const [holder, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
    if (holder === free) return true;
    if (Math.abs(Date.now() - mtimeMs) > timing.staleMs) return true;
    const [pid, host] = holder.split(' ');
    // A holder that has not yet written its number is young; of another machine's, only the age tells.
    return host === hostname() && !isAlive(Number(pid));
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

async function numbersIn(directory: string): Promise<number[]> {
  const names = await readdir(directory);
  return names
    .map(Number)
    .filter(Number.isSafeInteger)
    .sort((a, b) => a - b);
}

function fileOf(directory: string, number: number): string {
  return join(directory, String(number));
}
