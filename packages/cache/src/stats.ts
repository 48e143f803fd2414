import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { unlessMissing } from '@oci/files';

import { packageId, viewRecordFile, viewRoots } from './layout.js';
import type { RemovalParts } from './retention/removal.js';

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
  /** Blobs that turned out damaged. */
  readonly quarantined: Count;
}

export interface Count {
  readonly count: number;
  readonly bytes: number;
}

/** Looks at everything, so it takes the longer the more there is. */
export async function measureCache(parts: RemovalParts): Promise<CacheStats> {
  const { content, inventory, store, dir } = parts;
  const packages = new Set<string>();
  let references = 0;
  for await (const { key } of inventory.references.list()) {
    references += 1;
    packages.add(packageId(key));
  }
  const views: string[] = [];
  for (const prefix of viewRoots)
    for await (const key of store.list(`${prefix}/`))
      if (!key.endsWith(`/${viewRecordFile}`)) views.push(store.pathOf(key));
  const partial = await filesIn(join(dir, 'partial'));
  return {
    ...(await content.stats()),
    references,
    packages: packages.size,
    pinned: (await inventory.pins.list()).length,
    views: await sizesOf(views),
    partial: await sizesOf(partial.filter((path) => path.endsWith('.partial'))),
    quarantined: await sizesOf(await filesIn(join(dir, 'quarantine'))),
  };
}

async function filesIn(directory: string): Promise<readonly string[]> {
  const names = (await readdir(directory).catch(unlessMissing)) ?? [];
  return names.map((name) => join(directory, name));
}

async function sizesOf(paths: readonly string[]): Promise<Count> {
  let bytes = 0;
  for (const path of paths) bytes += (await stat(path).catch(() => undefined))?.size ?? 0;
  return { count: paths.length, bytes };
}
