import { openCache } from '@oci/cache';

import { withContext } from '../context.js';
import type { Invocation } from '../command/invocation.js';
import { sizeText } from '../render/quantity.js';

export async function clearCache(_input: object, invocation: Invocation): Promise<void> {
  await withContext(invocation, async ({ output, settings }) => {
    const dir = settings.values.cache_dir;
    const cache = await openCache(dir);
    const { blobs, bytes } = await cache.stats();
    await cache.clear();
    output.print({
      json: { cache_dir: dir, removed_blobs: blobs, removed_bytes: bytes },
      text: `removed ${blobs} blobs, ${sizeText(bytes)}, from ${dir}`,
    });
  });
}
