import { join } from 'node:path';

import { digestsIn, namesIn, statOf } from './directory-walk.js';
import { blobKey, packageId, paths } from './cache-format.js';
import { materializedIn } from './materialized-record.js';
import { Pace } from './pace.js';
import type { ReferenceStore } from './reference-store.js';
import type { Pins } from './state/pins.js';

/** How much is in a cache directory. */
export interface CacheUsage {
  readonly blobs: number;
  /** Of blobs and materialized files. */
  readonly bytes: number;
}

/** What is in a cache directory, counted. Sizes are bytes. */
export interface CacheStats {
  readonly blobs: number;
  readonly bytes: number;
  /** Tags of repositories. */
  readonly references: number;
  /** Repositories that have a reference. */
  readonly packages: number;
  /** References that retention never removes. */
  readonly pinned: number;
  /** Files at the guide's paths. */
  readonly views: Count;
  /** Downloads that were interrupted and can be gone on with. */
  readonly partial: Count;
  /** Corrupt blobs. */
  readonly quarantined: Count;
}

export interface Count {
  readonly count: number;
  readonly bytes: number;
}

/** Counts blobs and materialized files. */
export async function measureUsage(dir: string): Promise<CacheUsage> {
  const blobs = await sizesOf(blobsIn(dir));
  const files = await sizesOf(materializedIn(dir));
  return { blobs: blobs.count, bytes: blobs.bytes + files.bytes };
}

/** Counts everything, which takes the longer the more there is. */
export async function measureCache(parts: {
  readonly dir: string;
  readonly references: ReferenceStore;
  readonly pins: Pins;
}): Promise<CacheStats> {
  const { dir, pins } = parts;
  const packages = new Set<string>();
  let references = 0;
  for await (const { key } of parts.references.list()) {
    references += 1;
    packages.add(packageId(key));
  }
  const { count: blobs, bytes } = await sizesOf(blobsIn(dir));
  const partial = filesIn(join(dir, paths.partial));
  return {
    blobs,
    bytes,
    references,
    packages: packages.size,
    pinned: (await pins.list()).length,
    views: await sizesOf(materializedIn(dir)),
    partial: await sizesOf(partial.filter((path) => path.endsWith('.partial'))),
    quarantined: await sizesOf(filesIn(join(dir, paths.quarantine))),
  };
}

function filesIn(directory: string): readonly string[] {
  return namesIn(directory).map((name) => join(directory, name));
}

function* blobsIn(dir: string): Generator<string, void, undefined> {
  for (const digest of digestsIn(dir)) yield join(dir, blobKey(digest));
}

async function sizesOf(files: Iterable<string>): Promise<Count> {
  const pace = new Pace();
  let count = 0;
  let bytes = 0;
  for (const path of files) {
    if (pace.isDue) await pace.rest();
    count += 1;
    bytes += statOf(path)?.size ?? 0;
  }
  return { count, bytes };
}
