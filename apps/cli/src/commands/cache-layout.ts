import { type CacheLayoutReport, exportLayout, importLayout } from '@oci/manager/layout';

import type { Invocation } from '../command/definition.js';
import { referenceScheme } from '../command/joined-version.js';
import { withContext } from '../context.js';
import type { Result } from '../output.js';
import { numberOf, sizeText } from '../render/quantity.js';

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

/** What `cache export` and `cache import` print. */
function layoutResult(
  { path, moved, skipped, bytes }: CacheLayoutReport,
  about: {
    readonly cacheDir: string;
    readonly dryRun: boolean;
    readonly verb: 'exported' | 'imported';
  },
): Result {
  const { cacheDir, dryRun, verb } = about;
  const referrers = moved.reduce((sum, { referrers }) => sum + referrers, 0);
  const done = dryRun ? `would be ${verb}` : verb;
  return {
    json: { cache_dir: cacheDir, path, dry_run: dryRun, [verb]: moved, skipped, bytes },
    text: [
      ...moved.map(({ reference }) => reference),
      ...skipped.map(({ reference, reason }) => `left out ${reference}: ${reason}`),
      `${numberOf(moved.length, 'version')} ${done}, ${numberOf(referrers, 'referrer')}, ${sizeText(bytes)} of new content: ${path}`,
    ],
    brief: moved.map(({ reference }) => reference),
  };
}
