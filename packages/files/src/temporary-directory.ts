import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { onStorage } from './storage-failure.js';

/**
 * Runs with a temporary directory, which is made when its path is first asked for, and removed when the run ends.
 *
 * @param prefix begins its name
 * @throws OciError `STORAGE_…`
 */
export async function withTemporaryDirectory<T>(
  prefix: string,
  use: (path: () => Promise<string>) => Promise<T>,
): Promise<T> {
  let made: Promise<string> | undefined;
  const path = join(tmpdir(), prefix);
  try {
    return await use(() => (made ??= onStorage({ path }, () => mkdtemp(path))));
  } finally {
    const directory = await made?.catch(() => undefined);
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  }
}
