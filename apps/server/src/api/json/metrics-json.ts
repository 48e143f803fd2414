import * as z from 'zod';

/** The guide's four metrics, and what they are computed from. */
export interface MetricsJson {
  /** Of packages and extensions, through `/api`. */
  readonly pulls: number;
  /** Of manifests, through `/v2/`. */
  readonly registry_pulls: number;
  readonly pull_failures: number;
  readonly cache_hits: number;
  readonly cache_misses: number;
  /** 0 to 1; 0 before the first pull. */
  readonly cache_hit_rate: number;
  readonly downloads: number;
  /** Milliseconds; 0 before the first download. */
  readonly average_download_ms: number;
  readonly bytes_downloaded: number;
  readonly manifest_cache: {
    readonly hits: number;
    readonly misses: number;
    readonly entries: number;
  };
}

const count = z.number().nonnegative();

export const metricsJsonSchema: z.ZodType<MetricsJson> = z.object({
  pulls: count,
  registry_pulls: count,
  pull_failures: count,
  cache_hits: count,
  cache_misses: count,
  cache_hit_rate: count.max(1),
  downloads: count,
  average_download_ms: count,
  bytes_downloaded: count,
  manifest_cache: z.object({ hits: count, misses: count, entries: count }),
});
