import { mkdir, open, readFile, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { OciError, throwIfAborted } from '../index.js';
import { hasCode, isMissing, onStorage } from './storage-failure.js';
import { isAlive } from './temporary-files.js';

/** Milliseconds. A holder says four times in `staleMs` that it lives; one that was silent for `staleMs` does not. */
const timing = { patienceMs: 30_000, pollMs: 10, slowestPollMs: 250, staleMs: 60_000 } as const;
/** A number's file is empty only for the moment between its making and its first bytes. */
const emptyStaleMs = 1000;

const free = 'free';

export interface FileLockOptions {
  /** How long the lock is waited for, in milliseconds. Default 30 s. */
  readonly patienceMs?: number | undefined;
  /** After how long without a sign of life a holder counts as dead, in milliseconds. Default 60 s. */
  readonly staleMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called once when the lock is not free. */
  readonly onWait?: (() => void) | undefined;
}

/**
 * Runs `work` while this process holds a lock that many processes may ask for.
 *
 * The lock is a directory of numbered files, and whoever made the highest holds it until it says
 * `free`. Who finds a free or dead one makes the next number, which only one can; nobody ever removes
 * the highest. So a lock is taken over without the moment at which two believe that they hold it,
 * which removing a dead owner's file would have. Silence is measured by the waiting process's own clock,
 * so neither a clock that jumps nor one of another machine that differs makes a living holder look dead.
 *
 * @throws OciError `STORAGE_FAILED` when it stays locked, `ABORTED`, and as `work` does
 */
export async function withFileLock<T>(
  directory: string,
  work: () => Promise<T>,
  options: FileLockOptions = {},
): Promise<T> {
  const mine = await onStorage({ path: directory }, () => acquire(directory, options));
  const beatMs = (options.staleMs ?? timing.staleMs) / 4;
  const beat = setInterval(() => void utimes(mine, new Date(), new Date()).catch(() => {}), beatMs);
  beat.unref();
  try {
    return await work();
  } finally {
    clearInterval(beat);
    await release(mine).catch(() => {});
  }
}

/** Removes a lock that nobody needs any more: whoever still waits for it begins a new one. */
export async function retireFileLock(directory: string, trash: string): Promise<void> {
  try {
    await rename(directory, trash);
    await rm(trash, { recursive: true, force: true });
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** Over the bytes that are there, so that it works on a full disk too. */
async function release(mine: string): Promise<void> {
  const file = await open(mine, 'r+');
  try {
    await file.write(free, 0);
    await file.truncate(free.length);
  } finally {
    await file.close();
  }
}

async function acquire(directory: string, options: FileLockOptions): Promise<string> {
  const { patienceMs = timing.patienceMs, staleMs = timing.staleMs, signal, onWait } = options;
  const until = performance.now() + patienceMs;
  const watch = new Watch(staleMs);
  for (let waits = 0; ; waits += 1) {
    throwIfAborted(signal);
    const mine = await tryToEnter(directory, watch);
    if (mine !== undefined) return mine;
    if (performance.now() > until) {
      throw new OciError('STORAGE_FAILED', `${directory} stays locked by another process`, {
        hint: 'When no other process uses the directory, remove that one.',
      });
    }
    if (waits === 1) onWait?.();
    const pause = Math.min(timing.pollMs * (1 + waits / 10), timing.slowestPollMs);
    await sleep(pause * (0.5 + Math.random()));
  }
}

async function tryToEnter(directory: string, watch: Watch): Promise<string | undefined> {
  try {
    const highest = (await numbersIn(directory)).at(-1);
    if (highest !== undefined && !(await watch.isReleased(fileOf(directory, highest))))
      return undefined;
    return await claim(directory, (highest ?? 0) + 1);
  } catch (error) {
    // It is not there yet, or was retired meanwhile.
    if (!isMissing(error)) throw error;
    await mkdir(directory, { recursive: true });
    return claim(directory, 1).catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
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

/** What a waiting process has seen of the holder, and since when. */
class Watch {
  readonly #staleMs: number;
  #seen = '';
  #since = 0;

  constructor(staleMs: number) {
    this.#staleMs = staleMs;
  }

  async isReleased(path: string): Promise<boolean> {
    const [holder, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
    if (holder === free) return true;
    const [pid, host] = holder.split(' ');
    if (host === hostname() && !isAlive(Number(pid))) return true;
    const sign = `${path} ${mtimeMs} ${holder}`;
    if (sign !== this.#seen) {
      this.#seen = sign;
      this.#since = performance.now();
    }
    const silentMs = performance.now() - this.#since;
    return silentMs > (holder === '' ? Math.min(emptyStaleMs, this.#staleMs) : this.#staleMs);
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
