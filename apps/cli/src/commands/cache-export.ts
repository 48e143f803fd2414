import { exportLayout } from '@oci/manager';

import type { Invocation } from '../command/invocation.js';
import { referenceScheme } from '../command/joined-version.js';
import { withContext } from '../context.js';
import { layoutResult } from './cache-layout.js';

export async function exportCache(
  {
    path,
    references,
    dryRun = false,
  }: { readonly path: string; readonly references: readonly string[]; readonly dryRun?: boolean },
  invocation: Invocation,
): Promise<void> {
  await withContext(invocation, async ({ manager, output, progress, signal }) => {
    const cache = await manager.cache();
    const named = references.map((text) => text.replace(referenceScheme, ''));
    const options = { references: named, dryRun, signal, onEvent: progress };
    const report = await exportLayout(cache, path, options);
    output.print(layoutResult(report, { cacheDir: cache.dir, dryRun, verb: 'exported' }));
  });
}
