import { type FileHandle, lstat, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { OciError, throwIfAborted } from '@oci/spec-types';
import { shownPath } from './descriptor-path.js';
import { refuseLinks } from './directory-below.js';
import { readNote } from './own-file.js';
import { isOfThisBoot, ownProcess, processState } from './process-identity.js';
import { hasCode, isMissing, onStorage, unlessMissing } from './storage-failure.js';

/** Milliseconds. A holder says four times in `staleMs` that it lives; one that was silent for `staleMs` does not. */
const timing = { patienceMs: 30_000, pollMs: 10, slowestPollMs: 250, staleMs: 60_000 } as const;
/** A number's file is empty only for the moment between its making and its first bytes. */
const emptyStaleMs = 1000;

const free = 'free';
/** Of a number's file. */
const maxHolderBytes = 1024;

export interface FileLockOptions {
  /** How long the lock is waited for, in milliseconds. Default 30 s. */
  readonly patienceMs?: number | undefined;
  /** After how long without a sign of life a holder counts as dead, in milliseconds. Default 60 s. */
  readonly staleMs?: number | undefined;
  /**
   * For a lock that is needed no more once its holder is done: a new path of the same file system, to which
   * its directory is moved before it is removed. Who waits for it begins a new one.
   */
  readonly trash?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called once when the lock is not free. */
  readonly onWait?: (() => void) | undefined;
}

/** A lock while it is held. */
export interface HeldLock {
  /**
   * Returns when it is still held: to be called before a step that only its holder may do. A process that slept, or a
   * machine that did, was silent, and another may have taken the lock over meanwhile.
   *
   * @throws OciError `STORAGE_FAILED`
   */
  ensure(): Promise<void>;
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
  work: (held: HeldLock) => Promise<T>,
  options: FileLockOptions = {},
): Promise<T> {
  const mine = await onStorage({ path: directory }, () => acquire(directory, options));
  const beatMs = (options.staleMs ?? timing.staleMs) / 4;
  const held = { ensure: () => ensureHeld(directory, mine) };
  const beat = setInterval(
    () => void mine.file.utimes(new Date(), new Date()).catch(() => {}),
    beatMs,
  );
  beat.unref();
  try {
    return await work(held);
  } finally {
    clearInterval(beat);
    if (options.trash === undefined) await release(mine).catch(() => {});
    else await retire(directory, mine, options.trash).catch(() => {});
  }
}

/** A number's file in a lock's directory, which says that this process holds the lock. */
interface Claim {
  readonly number: number;
  readonly path: string;
  readonly file: FileHandle;
}

/** Over the bytes that are there, so that it works on a full disk too. */
async function release({ file }: Claim): Promise<void> {
  try {
    await file.write(free, 0);
    await file.truncate(free.length);
  } finally {
    await file.close();
  }
}

/**
 * Moved while it is held, so that nobody is in it; released all the same, should it have stayed. What was taken
 * over meanwhile, as from a process that slept, is another's to move.
 */
async function retire(directory: string, mine: Claim, trash: string): Promise<void> {
  try {
    if (!(await isHeld(directory, mine))) return;
    await rename(directory, trash);
  } finally {
    await release(mine);
  }
  await rm(trash, { recursive: true, force: true });
}

async function isHeld(directory: string, mine: Claim): Promise<boolean> {
  return (await numbersIn(directory)).at(-1) === mine.number && (await isThere(mine));
}

async function ensureHeld(directory: string, mine: Claim): Promise<void> {
  if (await isHeld(directory, mine).catch(() => false)) return;
  throw new OciError(
    'STORAGE_FAILED',
    `another process took over the lock ${shownPath(directory)}`,
    {
      hint: 'This one was silent for too long, as when a machine sleeps. Nothing was changed; try again.',
    },
  );
}

async function acquire(directory: string, options: FileLockOptions): Promise<Claim> {
  const { patienceMs = timing.patienceMs, staleMs = timing.staleMs, signal, onWait } = options;
  const until = performance.now() + patienceMs;
  const watch = new Watch(staleMs);
  for (let waits = 0; ; waits += 1) {
    throwIfAborted(signal);
    refuseLinks(dirname(directory), fileOf(directory, 0));
    const mine = await tryToEnter(directory, watch);
    if (mine !== undefined) return mine;
    if (performance.now() > until) {
      throw new OciError(
        'STORAGE_FAILED',
        `${shownPath(directory)} stays locked by another process`,
        {
          hint: 'When no other process uses the directory, remove that one.',
        },
      );
    }
    if (waits === 1) onWait?.();
    const pause = Math.min(timing.pollMs * (1 + waits / 10), timing.slowestPollMs);
    await sleep(pause * (0.5 + Math.random()));
  }
}

async function tryToEnter(directory: string, watch: Watch): Promise<Claim | undefined> {
  try {
    const highest = (await numbersIn(directory)).at(-1);
    if (highest !== undefined && !(await watch.isReleased(fileOf(directory, highest))))
      return undefined;
    return await claim(directory, highest, watch);
  } catch (error) {
    // It is not there yet, or was retired meanwhile.
    if (!isMissing(error)) throw error;
    await makeAgain(directory);
    return claim(directory, undefined, watch).catch(unlessMissing);
  }
}

/** In one step: a recursive `mkdir` fails when the directory that it found there is retired before it looks. */
async function makeAgain(directory: string): Promise<void> {
  await mkdir(dirname(directory), { recursive: true });
  await mkdir(directory).catch(async (error: unknown) => {
    // What another made, or has retired by now, is fine; a file in its place stays.
    const entry = await lstat(directory).catch(unlessMissing);
    if (!hasCode(error, 'EEXIST') || entry?.isDirectory() === false) throw error;
  });
}

/** Makes the next number's file. Undefined when the lock is another's by now. */
async function claim(
  directory: string,
  released: number | undefined,
  watch: Watch,
): Promise<Claim | undefined> {
  const number = (released ?? 0) + 1;
  const path = fileOf(directory, number);
  const file = await open(path, 'wx').catch((error: unknown) => {
    if (hasCode(error, 'EEXIST')) return undefined;
    throw error;
  });
  if (!file) return undefined;
  const mine: Claim = { number, path, file };
  let isMine = false;
  try {
    await file.writeFile(ownProcess);
    // Another lock may have come to this place since a number was seen to be released.
    if (released !== undefined && !(await watch.isReleased(fileOf(directory, released))))
      return undefined;
    const below = await numbersIn(directory);
    if (below.pop() !== number || below.at(-1) !== released || !(await isThere(mine)))
      return undefined;
    for (const old of below) await rm(fileOf(directory, old), { force: true });
    isMine = true;
    return mine;
  } finally {
    if (!isMine) {
      // By now its name may be another's.
      if (await isThere(mine).catch(() => false)) await rm(path, { force: true }).catch(() => {});
      await file.close();
    }
  }
}

/**
 * Whether a file is where it was made, asked last: then all that was read beside it was of the same directory, for
 * a directory is moved away once and does not come back.
 */
async function isThere({ path, file }: Claim): Promise<boolean> {
  const [there, made] = await Promise.all([
    stat(path, { bigint: true }),
    file.stat({ bigint: true }),
  ]);
  return there.ino === made.ino && there.dev === made.dev;
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
    const [text, { mtimeMs }] = await Promise.all([readNote(path, maxHolderBytes), lstat(path)]);
    // What is no file, such as a link or a pipe, is of nobody who holds the lock.
    const holder = text ?? '';
    // The rest of a holder's name follows when it was killed before it cut that off.
    if (holder.startsWith(free)) return true;
    const staleMs = holder === '' ? Math.min(emptyStaleMs, this.#staleMs) : this.#staleMs;
    if (processState(holder) === 'dead') return true;
    // By one clock, a silence from before this process began needs no watching: in a container that was started
    // anew, each process may have the number of one before. Should the clock be set back, a holder's next sign counts.
    const isOurClock = isOfThisBoot(holder) || holder === '';
    const beganAt = Math.min(performance.timeOrigin, Date.now());
    if (isOurClock && mtimeMs < beganAt - staleMs) return true;
    const sign = `${path} ${mtimeMs} ${holder}`;
    if (sign !== this.#seen) {
      this.#seen = sign;
      this.#since = performance.now();
    }
    return performance.now() - this.#since > staleMs;
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
