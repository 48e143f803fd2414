import type { ManifestLruOptions } from '@oci/cache';

import type { RepositoryTemplates } from './artifact-name.js';
import type { FreshnessPolicy } from './freshness.js';
import type { ReachOptions } from './registry-set.js';
import type { RetentionOptions } from './retention-schedule.js';
import type { RouteOptions } from './routes/route-table.js';
import type { TrustRule } from './trust-policy.js';

export interface OciManagerOptions extends ReachOptions, RouteOptions {
  /** The namespace of extensions. */
  readonly namespace: string;
  readonly cacheDir: string;
  readonly templates?: Partial<RepositoryTemplates> | undefined;
  /** Repositories to list where a registry has no catalog. */
  readonly repositories?: readonly string[] | undefined;
  readonly freshness?: Partial<FreshnessPolicy> | undefined;
  /** Write through to the disk before content counts as stored. Default true; false for throw-away machines. */
  readonly fsync?: boolean | undefined;
  /** What may stay in the cache; pruned beside the first pull, and then every so often. */
  readonly retention?: RetentionOptions | undefined;
  /** Who has to have signed what is pulled; default: nobody. */
  readonly trust?: readonly TrustRule[] | undefined;
  /** Manifests in memory. Default 100 entries, 64 MiB. */
  readonly manifestCache?: ManifestLruOptions | undefined;
}
