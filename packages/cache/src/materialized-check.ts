import type { BigIntStats } from 'node:fs';
import { lstat, rm } from 'node:fs/promises';
import { relative } from 'node:path';

import { throwIfAborted } from '@oci/spec-types';
import { onStorage, refuseLinks, unlessMissing } from '@oci/files';

import type { ContentStore } from './content-store.js';
import { hasLayerContent } from './layer-content.js';
import { materializedIn, recordOf, recordPath } from './materialized-record.js';

export interface MaterializedCheck {
  /** Files that were hashed. */
  readonly files: number;
  readonly bytes: number;
  /** Paths below the cache directory. */
  readonly damaged: readonly string[];
}

export interface MaterializedCheckParts {
  readonly dir: string;
  readonly content: Pick<ContentStore, 'size'>;
}

/**
 * Hashes the files at the guide's paths. One that is not what its record says, or has none, is removed: the next
 * pull makes it anew from the blob.
 *
 * @throws OciError `ABORTED`
 */
export async function checkMaterialized(
  parts: MaterializedCheckParts,
  options: { readonly dryRun: boolean; readonly signal?: AbortSignal | undefined },
): Promise<MaterializedCheck> {
  const damaged: string[] = [];
  let [files, bytes] = [0, 0];
  for (const path of materializedIn(parts.dir)) {
    throwIfAborted(options.signal);
    const before = await look(path);
    if (!before) continue;
    files += 1;
    bytes += Number(before.size);
    // What a pull put there meanwhile is another file, which the next check reads.
    if ((await isSound(path, parts.content)) || !isSameFile(before, await look(path))) continue;
    damaged.push(relative(parts.dir, path));
    if (options.dryRun) continue;
    refuseLinks(parts.dir, path);
    await rm(recordPath(path), { force: true });
    await rm(path, { force: true });
  }
  return { files, bytes, damaged };
}

function look(path: string): Promise<BigIntStats | undefined> {
  return onStorage({ path }, () => lstat(path, { bigint: true }).catch(unlessMissing));
}

function isSameFile(one: BigIntStats, other: BigIntStats | undefined): boolean {
  return one.ino === other?.ino && one.mtimeNs === other.mtimeNs && one.ctimeNs === other.ctimeNs;
}

/** @throws OciError `STORAGE_…` for what may not be read: that says nothing of its bytes */
async function isSound(path: string, content: Pick<ContentStore, 'size'>): Promise<boolean> {
  const layer = recordOf(path)?.layer;
  return layer !== undefined && hasLayerContent(path, layer, () => content.size(layer));
}
