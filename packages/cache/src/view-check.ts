import type { BigIntStats } from 'node:fs';
import { lstat, readdir, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';

import { type Digest, isDigest, throwIfAborted } from '@oci/spec-types';
import { hasCode, onStorage, readNote, refuseLinks, unlessMissing } from '@oci/files';

import type { ContentStore } from './content-store.js';
import type { Inventory } from './inventory.js';
import { viewFileNames, viewRecordFile, viewRoots } from './layout.js';
import { showsLayer } from './shown-layer.js';

export interface ViewCheck {
  /** Files that were hashed. */
  readonly files: number;
  readonly bytes: number;
  /** Paths below the cache directory. */
  readonly damaged: readonly string[];
}

export interface ViewCheckParts {
  readonly dir: string;
  readonly content: Pick<ContentStore, 'size'>;
  readonly inventory: Pick<Inventory, 'usage'>;
}

/**
 * Hashes the files at the guide's paths. One that is not what its record says, or has none, is removed: the next
 * pull makes it anew from the blob.
 *
 * @throws OciError `ABORTED`
 */
export async function checkViews(
  parts: ViewCheckParts,
  options: { readonly dryRun: boolean; readonly signal?: AbortSignal | undefined },
): Promise<ViewCheck> {
  const damaged: string[] = [];
  let [files, bytes] = [0, 0];
  for (const root of viewRoots) {
    for await (const path of viewsIn(join(parts.dir, root))) {
      throwIfAborted(options.signal);
      const before = await look(path);
      if (!before) continue;
      const size = Number(before.size);
      files += 1;
      bytes += size;
      // What a pull put there meanwhile is another file, which the next check reads.
      if ((await isSound(path, parts.content)) || !isSameFile(before, await look(path))) continue;
      damaged.push(relative(parts.dir, path));
      if (options.dryRun) continue;
      refuseLinks(parts.dir, path);
      await rm(join(path, '..', viewRecordFile), { force: true });
      await rm(path, { force: true });
      await parts.inventory.usage.add({ blobs: 0, bytes: -size });
    }
  }
  return { files, bytes, damaged };
}

function look(path: string): Promise<BigIntStats | undefined> {
  return onStorage({ path }, () => lstat(path, { bigint: true }).catch(unlessMissing));
}

function isSameFile(one: BigIntStats, other: BigIntStats | undefined): boolean {
  return one.ino === other?.ino && one.mtimeNs === other.mtimeNs && one.ctimeNs === other.ctimeNs;
}

async function* viewsIn(directory: string): AsyncGenerator<string, void, undefined> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
    if (hasCode(error, 'ENOTDIR')) return undefined;
    return unlessMissing(error);
  });
  for (const entry of entries ?? []) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* viewsIn(path);
    else if (viewFileNames.includes(entry.name)) yield path;
  }
}

/** @throws OciError `STORAGE_…` for what may not be read: that says nothing of its bytes */
async function isSound(path: string, content: Pick<ContentStore, 'size'>): Promise<boolean> {
  const layer = await recordedLayer(join(path, '..', viewRecordFile));
  return layer !== undefined && showsLayer(path, layer, () => content.size(layer));
}

async function recordedLayer(path: string): Promise<Digest | undefined> {
  const text = await onStorage({ path }, () => readNote(path));
  try {
    const { layer } = JSON.parse(text ?? '') as { readonly layer?: unknown };
    return typeof layer === 'string' && isDigest(layer) ? layer : undefined;
  } catch {
    return undefined;
  }
}
