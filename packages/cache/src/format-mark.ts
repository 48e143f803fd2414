import { randomBytes } from 'node:crypto';
import { lstatSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

import { OciError, throwIfAborted } from '@oci/spec-types';
import {
  createFile,
  hasCode,
  makeDirectoryBelow,
  onStorage,
  ownProcess,
  readNoteAtOnce,
  withFileLock,
} from '@oci/files';

import { formatVersion, paths } from './cache-format.js';

/**
 * Makes a cache directory one of this format, before anything is written that an older version would not understand.
 * From then on an older version that prunes fails at its lock, in whose place the mark is; one that is removing
 * something just now is waited for.
 *
 * @throws OciError `UNSUPPORTED` for a directory of a later format, `STORAGE_…`, `ABORTED`
 */
export async function ensureFormat(dir: string, signal?: AbortSignal): Promise<void> {
  const mark = join(dir, paths.formatMark);
  await onStorage({ path: mark }, async () => {
    for (;;) {
      throwIfAborted(signal);
      const entry = lstatSync(mark, { throwIfNoEntry: false });
      if (entry?.isFile()) return refuseLater(dir, readNoteAtOnce(mark) ?? '');
      if (entry?.isDirectory()) await retireLock(dir, mark, signal);
      else if (entry) await rm(mark, { force: true });
      else await makeDirectoryBelow(dir, dirname(relative(dir, mark)));
      await createFile(mark, `${formatVersion}\n`).catch((error: unknown) => {
        // Another process was faster, of this version or of an older one.
        if (!hasCode(error, 'EEXIST')) throw error;
      });
    }
  });
}

/** Takes the lock of version 1, and moves it away while it is held. */
async function retireLock(dir: string, lock: string, signal?: AbortSignal): Promise<void> {
  const trash = join(dir, paths.temporary, `${ownProcess}-${randomBytes(12).toString('hex')}`);
  await makeDirectoryBelow(dir, paths.temporary);
  const work = async (): Promise<void> => {};
  await withFileLock(lock, work, { signal, trash, patienceMs: Infinity }).catch(
    (error: unknown) => {
      // Who waited for the same finds the mark.
      if (!lstatSync(lock, { throwIfNoEntry: false })?.isFile()) throw error;
    },
  );
}

function refuseLater(dir: string, text: string): void {
  const version = Number.parseInt(text, 10);
  // An empty mark is of a process that is just writing it, or was killed there.
  if (Number.isNaN(version) || version <= formatVersion) return;
  throw new OciError('UNSUPPORTED', `${dir} has the format ${version} of a later version`, {
    hint: 'Update this program, or give it a cache directory of its own.',
  });
}
