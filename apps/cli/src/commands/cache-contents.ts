import type { Count } from '@oci/cache';

import type { Invocation } from '../command/definition.js';
import { withContext } from '../context.js';
import { fields } from '../render/fields.js';
import { numberOf, sizeText } from '../render/quantity.js';

export async function cacheStats(_input: object, invocation: Invocation): Promise<void> {
  await withContext(invocation, async ({ manager, output }) => {
    const cache = await manager.cache({ make: false });
    const stats = await cache.stats();
    const { blobs, bytes, references, packages, pinned, views, partial, quarantined } = stats;
    output.print({
      json: { cache_dir: cache.dir, ...stats },
      text: fields([
        ['directory', cache.dir],
        [
          'packages',
          `${packages}, in ${numberOf(references, 'version')}, ${pinned} of them pinned`,
        ],
        ['blobs', `${blobs}, ${sizeText(bytes)}`],
        ['views', countText(views)],
        ['interrupted', countText(partial)],
        ['damaged', countText(quarantined)],
      ]),
      brief: String(bytes),
    });
  });
}

function countText({ count, bytes }: Count): string {
  return count === 0 ? 'none' : `${count}, ${sizeText(bytes)}`;
}

export async function clearCache(
  { dryRun = false }: { readonly dryRun?: boolean },
  invocation: Invocation,
): Promise<void> {
  await withContext(invocation, async ({ manager, output }) => {
    const cache = await manager.cache();
    const before = await cache.stats();
    if (!dryRun) await cache.clear();
    // What a running pull relies on stays.
    const after = dryRun ? { blobs: 0, bytes: 0 } : await cache.stats();
    const blobs = before.blobs - after.blobs;
    const bytes = before.bytes - after.bytes;
    const verb = dryRun ? 'would remove' : 'removed';
    output.print({
      json: { cache_dir: cache.dir, dry_run: dryRun, removed_blobs: blobs, removed_bytes: bytes },
      text: `${verb} ${blobs} blobs, ${sizeText(bytes)}, from ${cache.dir}`,
    });
  });
}
