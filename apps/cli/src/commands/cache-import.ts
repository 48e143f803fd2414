import { importLayout } from '@oci/manager';

import type { Invocation } from '../command/invocation.js';
import { withContext } from '../context.js';
import { layoutResult } from './cache-layout.js';

export async function importCache(
  {
    path,
    repository,
    dryRun = false,
  }: { readonly path: string; readonly repository?: string; readonly dryRun?: boolean },
  invocation: Invocation,
): Promise<void> {
  await withContext(invocation, async ({ manager, output, progress, signal }) => {
    const cache = await manager.cache();
    const options = { repository, dryRun, signal, onEvent: progress };
    const report = await importLayout(cache, path, options);
    output.print(layoutResult(report, { cacheDir: cache.dir, dryRun, verb: 'imported' }));
  });
}
