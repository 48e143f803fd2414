import type { Invocation } from '../command/invocation.js';
import { withContext } from '../context.js';
import { sizeText } from '../render/quantity.js';

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
