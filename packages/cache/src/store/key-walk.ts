import { readdir } from 'node:fs/promises';

import type { CallOptions } from '@oci/spec-types';
import { onStorage, unlessMissing } from '@oci/files';

import type { DirectoryNames } from './directory-names.js';

/** Which keys of a directory are wanted. */
export interface KeyRange extends CallOptions {
  readonly prefix: string;
  /** Begin behind this key, which need not be there. */
  readonly after?: string | undefined;
}

/** Keys below a directory in byte order. @throws OciError `ABORTED`, `STORAGE_…` */
export async function* keysBelow(
  directoryNames: DirectoryNames,
  directory: string,
  range: KeyRange,
): AsyncGenerator<string, void, undefined> {
  const { prefix, after, signal } = range;
  const names = await directoryNames.in(directory, { signal });
  const start = after === undefined ? 0 : indexFrom(names, directory, firstOf(directory, after));
  for (let at = start; at < names.length; at += 1) {
    const key = `${directory}${names[at]}`;
    const isDirectory = key.endsWith('/');
    const fits = key.startsWith(prefix) || (isDirectory && prefix.startsWith(key));
    if (!fits) continue;
    if (isDirectory) yield* keysBelow(directoryNames, key, range);
    else if (key !== after) yield key;
  }
}

/**
 * Returns the names of files and directories, without those that begin with a dot; none when it is missing.
 *
 * @throws OciError `STORAGE_…`
 */
export async function namesIn(path: string): Promise<string[]> {
  return onStorage({ path }, async () => {
    const entries = (await readdir(path, { withFileTypes: true }).catch(unlessMissing)) ?? [];
    return entries
      .filter((entry) => !entry.name.startsWith('.') && (entry.isFile() || entry.isDirectory()))
      .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name));
  });
}

/** Returns the first key of a directory that is after `after`, leads to such a one, or is `after` itself. */
function firstOf(directory: string, after: string): string {
  const slash = after.startsWith(directory) ? after.indexOf('/', directory.length) : -1;
  return slash < 0 ? after : after.slice(0, slash + 1);
}

/** Returns the index of the first name whose key is not before `key`. */
function indexFrom(names: readonly string[], directory: string, key: string): number {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (`${directory}${names[middle]}` < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
