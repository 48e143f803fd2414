import type { CacheLayoutReport } from '@oci/manager';

import type { Result } from '../output.js';
import { numberOf, sizeText } from '../render/quantity.js';

/** What `cache export` and `cache import` print. */
export function layoutResult(
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
