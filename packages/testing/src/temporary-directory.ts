import { chmod, mkdtemp, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A directory of its own for one test: `await using directory = await temporaryDirectory()`. */
export interface TemporaryDirectory extends AsyncDisposable {
  readonly path: string;
  /** Removes it with all that is in it, write-protected directories too. */
  readonly remove: () => Promise<void>;
}

export async function temporaryDirectory(prefix = 'oci-test-'): Promise<TemporaryDirectory> {
  const path = await realpath(await mkdtemp(join(tmpdir(), prefix)));
  const remove = async (): Promise<void> => {
    await rm(path, { recursive: true, force: true }).catch(async () => {
      await unprotect(path);
      await rm(path, { recursive: true, force: true });
    });
  };
  return { path, remove, [Symbol.asyncDispose]: remove };
}

async function unprotect(directory: string): Promise<void> {
  await chmod(directory, 0o700);
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) await unprotect(join(directory, entry.name));
  }
}
