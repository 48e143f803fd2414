import * as z from 'zod';

import { digestSchema } from './identifier-schema.js';

interface CountJson {
  readonly count: number;
  readonly bytes: number;
}

export interface CacheStatsJson {
  readonly blobs: number;
  readonly bytes: number;
  /** Tags of repositories. */
  readonly references: number;
  /** Repositories that have a reference. */
  readonly packages: number;
  /** References that are never removed. */
  readonly pinned: number;
  /** Files at the guide's paths. */
  readonly views: CountJson;
  /** Downloads that were interrupted. */
  readonly partial: CountJson;
  readonly quarantined: CountJson;
}

/** What may stay; without a rule only leftovers go. */
export interface PruneRequest {
  /** Days since content came. */
  readonly max_age_days?: number | undefined;
  /** Days since it was used. */
  readonly max_unused_days?: number | undefined;
  readonly max_bytes?: number | undefined;
  /** Versions of one package. */
  readonly max_versions?: number | undefined;
  /** Tells what would go, and removes nothing. */
  readonly dry_run?: boolean | undefined;
}

export interface PruneJson {
  readonly dry_run: boolean;
  readonly removed: readonly {
    readonly reference: string;
    readonly digest: string;
    readonly reason: string;
    readonly bytes: number;
  }[];
  readonly kept: readonly {
    readonly reference: string;
    readonly digest: string;
    readonly reason: string;
  }[];
  readonly freed_blobs: number;
  readonly freed_bytes: number;
  readonly remaining_bytes: number;
}

/** How many blobs are hashed before the answer; the next call goes on behind them. */
export interface VerifyRequest {
  /** 1 to 10000. Default 1000. */
  readonly limit?: number | undefined;
}

export interface VerifyJson {
  readonly blobs: number;
  readonly bytes: number;
  /** Digests of what was set aside. */
  readonly damaged: readonly string[];
  /** Files at the guide's paths that were removed, below the cache directory. */
  readonly damaged_files: readonly string[];
  /** Whether the last blob was reached. */
  readonly finished: boolean;
}

const count = z.int().nonnegative();
const countJsonSchema = z.object({ count, bytes: count });
const rule = z.number().nonnegative().max(1e15).optional();

export const cacheStatsJsonSchema: z.ZodType<CacheStatsJson> = z.object({
  blobs: count,
  bytes: count,
  references: count,
  packages: count,
  pinned: count,
  views: countJsonSchema,
  partial: countJsonSchema,
  quarantined: countJsonSchema,
});

export const pruneRequestSchema: z.ZodType<PruneRequest> = z.strictObject({
  max_age_days: rule,
  max_unused_days: rule,
  max_bytes: rule,
  max_versions: rule,
  dry_run: z.boolean().optional(),
});

const named = { reference: z.string(), digest: digestSchema, reason: z.string() };

export const pruneJsonSchema: z.ZodType<PruneJson> = z.object({
  dry_run: z.boolean(),
  removed: z.array(z.object({ ...named, bytes: count })),
  kept: z.array(z.object(named)),
  freed_blobs: count,
  freed_bytes: count,
  remaining_bytes: count,
});

export const verifyRequestSchema: z.ZodType<VerifyRequest> = z.strictObject({
  limit: z.int().min(1).max(10_000).optional(),
});

export const verifyJsonSchema: z.ZodType<VerifyJson> = z.object({
  blobs: count,
  bytes: count,
  damaged: z.array(digestSchema),
  damaged_files: z.array(z.string()),
  finished: z.boolean(),
});

export const clearedJsonSchema: z.ZodType<{ readonly cleared: number }> = z.object({
  cleared: count,
});
