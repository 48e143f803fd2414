import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/**
 * The credential store that docker takes where its configuration names none: that of the platform, when
 * its program is installed.
 */
export async function defaultHelper(
  path: string | undefined,
  platform: NodeJS.Platform = process.platform,
): Promise<string | undefined> {
  const suffix = await suffixFor(path, platform);
  if (suffix === undefined) return undefined;
  return (await isInstalled(`docker-credential-${suffix}`, { path, platform }))
    ? suffix
    : undefined;
}

async function suffixFor(
  path: string | undefined,
  platform: NodeJS.Platform,
): Promise<string | undefined> {
  if (platform === 'darwin') return 'osxkeychain';
  if (platform === 'win32') return 'wincred';
  if (platform !== 'linux') return undefined;
  return (await isInstalled('pass', { path, platform })) ? 'pass' : 'secretservice';
}

async function isInstalled(
  program: string,
  { path = '', platform }: { path: string | undefined; platform: NodeJS.Platform },
): Promise<boolean> {
  const file = platform === 'win32' ? `${program}.exe` : program;
  for (const directory of path.split(delimiter)) {
    if (directory === '') continue;
    const isThere = access(join(directory, file), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (await isThere) return true;
  }
  return false;
}
