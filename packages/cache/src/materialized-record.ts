import { basename, dirname, join } from 'node:path';

import { type Digest, isDigest } from '@oci/spec-types';

import { filesBelow, textOf } from './directory-walk.js';
import { materializedNames, materializedRecord, materializedRoots } from './cache-format.js';

/** What the record beside a materialized file says: whose content it is, and how the file looked then. */
export interface MaterializedRecord {
  readonly version: number;
  readonly registry: string;
  readonly repository: string;
  /** Identity of the reference. */
  readonly reference: string;
  readonly manifest: string;
  readonly layer: Digest;
  /** Bytes of the file. */
  readonly size: number;
  /** File systems tell times apart by milliseconds only, so that two files of one size may share theirs. */
  readonly mtimeMs: number;
  readonly ino: number;
}

/** Returns the record of a file; undefined when there is none, or it says nothing. @throws OciError `STORAGE_…` */
export function recordOf(file: string): Partial<MaterializedRecord> | undefined {
  try {
    const record = JSON.parse(textOf(recordPath(file)) ?? '') as Partial<MaterializedRecord> | null;
    return typeof record?.layer === 'string' && isDigest(record.layer) ? record : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export function recordPath(file: string): string {
  return join(dirname(file), materializedRecord);
}

/** Returns the paths of all files at the guide's paths, links among them. */
export function* materializedIn(dir: string): Generator<string, void, undefined> {
  for (const root of materializedRoots)
    for (const path of filesBelow(join(dir, root)))
      if (materializedNames.includes(basename(path))) yield path;
}
