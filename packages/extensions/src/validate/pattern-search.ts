import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { matchesPattern } from '../pack/glob.js';

/**
 * Whether a file or directory of a pattern's name is there. It looks only where the pattern leads: an
 * extension may have ten thousand files.
 */
export async function hasMatch(root: string, pattern: string): Promise<boolean> {
  return search(
    root,
    pattern.split('/').filter((part) => part !== '' && part !== '.'),
  );
}

async function search(directory: string, parts: readonly string[]): Promise<boolean> {
  const [part, ...rest] = parts;
  if (part === undefined) return exists(directory);
  if (!/[*?[\\]/.test(part)) return part !== '..' && search(join(directory, part), rest);
  const names = await readdir(directory).catch((): string[] => []);
  for (const name of names.filter((name) => matchesPattern(part, name)))
    if (await search(join(directory, name), rest)) return true;
  return false;
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
