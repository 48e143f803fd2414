import { mkdir, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { OciError, isOciError } from '@oci/spec-types';
import { onStorage, temporaryBeside, withFileLock } from '@oci/files';

import type { ServerOptions } from './server-options.js';

/** After so long without a sign of life, in milliseconds, a server counts as dead. */
const staleMs = 10_000;
/** How long a server that just ended, or was killed, is waited for. */
const defaultPatienceMs = staleMs + 5_000;

export interface ClaimOptions {
  /** Milliseconds. Default 15 s. */
  readonly patienceMs?: number | undefined;
  /** Permissions of the directory, when it is made. */
  readonly mode?: number | undefined;
  /** Ends the wait for it. */
  readonly signal?: AbortSignal | undefined;
  /** Called once when another server has the directory. */
  readonly onWait?: (() => void) | undefined;
}

/** The directories of a server, which are no other's until they are released. */
export interface DirectoryClaim {
  /** Whether a server had anything in the data directory before. */
  readonly isUsed: boolean;
  release(): Promise<void>;
}

/** Takes those directories of which two servers would not know what the other one writes. @throws as {@link claimDirectory} */
export async function claimDirectories(
  { dataDir, audit, directoryPatienceMs: patienceMs }: ServerOptions,
  onWait: (directory: string) => void,
): Promise<DirectoryClaim> {
  const isUsed = (await readdir(dataDir).catch(() => [])).length > 0;
  const wanted: { directory: string; mode?: number }[] = [{ directory: dataDir }];
  if (audit && resolve(audit.dir) !== resolve(dataDir))
    wanted.push({ directory: audit.dir, mode: 0o700 });
  const releases: (() => Promise<void>)[] = [];
  const release = async (): Promise<void> => {
    await Promise.all(releases.splice(0).map((give) => give()));
  };
  try {
    for (const { directory, mode } of wanted) {
      const options = { patienceMs, mode, onWait: () => onWait(directory) };
      releases.push(await claimDirectory(directory, options));
    }
  } catch (error) {
    await release();
    throw error;
  }
  return { isUsed, release };
}

/**
 * Takes a directory for this process alone, and makes it when it is missing.
 *
 * @returns what gives it back
 * @throws OciError `STORAGE_FAILED` when another server has it, or it cannot be made or written
 */
export async function claimDirectory(
  directory: string,
  { patienceMs = defaultPatienceMs, mode, signal: given, onWait }: ClaimOptions = {},
): Promise<() => Promise<void>> {
  await onStorage({ path: directory }, () => mkdir(directory, { recursive: true, mode }));
  const lock = join(directory, 'lock');
  let release = (): void => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  let held: Promise<void> | undefined;
  await new Promise<void>((resolve, reject) => {
    const work = async (): Promise<void> => {
      resolve();
      await released;
    };
    const late = AbortSignal.timeout(patienceMs);
    const signal = given ? AbortSignal.any([given, late]) : late;
    const trash = temporaryBeside(lock);
    held = withFileLock(lock, work, { staleMs, patienceMs: Infinity, signal, onWait, trash });
    held.catch((error: unknown) => reject(refusal(error, directory)));
  });
  return async () => {
    release();
    await held;
  };
}

function refusal(error: unknown, directory: string): unknown {
  if (!isOciError(error, 'TIMEOUT')) return error;
  return new OciError('STORAGE_FAILED', `another server uses ${directory}`, {
    cause: error,
    hint: 'End it first, or give each server directories of its own: --data-dir DIR.',
  });
}
