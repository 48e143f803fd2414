import { type Dirent, type Stats, readdirSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';

import type { Digest } from '@oci/spec-types';
import { isMissing, readNoteAtOnce, storageFailure } from '@oci/files';

import { digestOfBlobKey, paths } from './cache-format.js';

/*
 * Synchronous, for what looks at many small files: each takes some microseconds so, and twenty times that through
 * Node's thread pool.
 */

/** Returns the names in a directory, none when it is missing. @throws OciError `STORAGE_…` */
export function namesIn(directory: string): readonly string[] {
  return readUnlessMissing(directory, () => readdirSync(directory)) ?? [];
}

/** Returns the paths of all files below a directory, links included; what begins with a dot is left out. */
export function* filesBelow(directory: string): Generator<string, void, undefined> {
  // Not by `join`, which takes as long as the rest.
  const base = directory.endsWith(sep) ? directory : `${directory}${sep}`;
  const entries = readUnlessMissing<Dirent[]>(directory, () =>
    readdirSync(directory, { withFileTypes: true }),
  );
  for (const entry of entries ?? []) {
    if (entry.name.startsWith('.')) continue;
    const path = `${base}${entry.name}`;
    if (entry.isDirectory()) yield* filesBelow(path);
    else yield path;
  }
}

/** Returns the digests of all blobs of a cache directory. @throws OciError `STORAGE_…` */
export function* digestsIn(dir: string): Generator<Digest, void, undefined> {
  for (const algorithm of namesIn(join(dir, paths.blobs)))
    for (const name of namesIn(join(dir, paths.blobs, algorithm))) {
      const digest = digestOfBlobKey(`${paths.blobs}${algorithm}/${name}`);
      if (digest) yield digest;
    }
}

/** Returns what is known of a file, undefined when it is missing. @throws OciError `STORAGE_…` */
export function statOf(path: string): Stats | undefined {
  return readUnlessMissing(path, () => statSync(path, { throwIfNoEntry: false }));
}

/** Returns the text of a small file, undefined when it is missing or a link. @throws OciError `STORAGE_…` */
export function textOf(path: string): string | undefined {
  return readUnlessMissing(path, () => readNoteAtOnce(path));
}

function readUnlessMissing<T>(path: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw storageFailure(error, { path });
  }
}
