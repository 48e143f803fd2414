import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { onStorage } from '@oci/files';

/** Returns the path of a directory of the call's own, which is made when it is first asked for. */
export type WorkDirectory = () => Promise<string>;

/**
 * Runs with a temporary directory, which is removed when the run ends.
 *
 * @param purpose goes into its name
 * @throws OciError `STORAGE_…`
 */
export async function withWorkDirectory<T>(
  purpose: string,
  use: (work: WorkDirectory) => Promise<T>,
): Promise<T> {
  let made: Promise<string> | undefined;
  const prefix = join(tmpdir(), `ocictl-${purpose}-`);
  try {
    return await use(() => (made ??= onStorage({ path: prefix }, () => mkdtemp(prefix))));
  } finally {
    const path = await made?.catch(() => undefined);
    if (path !== undefined) await rm(path, { recursive: true, force: true });
  }
}
