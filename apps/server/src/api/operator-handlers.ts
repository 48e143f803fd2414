import type { PruneReport } from '@oci/cache';
import type { PruneJson } from '@oci/spec-types/api';

import type { CallerContext } from '../http/request-context.js';
import type { ServerParts } from '../server-parts.js';
import type { Handlers } from './handlers.js';

/** Blobs that one call hashes, when it does not say. */
const defaultVerifyLimit = 1000;

export function operatorHandlers(
  parts: ServerParts,
): Pick<
  Handlers,
  'cacheStats' | 'clearManifests' | 'metricsSummary' | 'pruneCache' | 'verifyCache'
> {
  const { gate, metrics } = parts;
  return {
    async cacheStats(_, { context }) {
      gate.require(context, 'observe');
      return (await parts.cache()).stats();
    },
    async pruneCache(request, { context, signal }) {
      gate.require(context, 'admin');
      const policy = {
        maxAgeDays: request.max_age_days,
        maxUnusedDays: request.max_unused_days,
        maxBytes: request.max_bytes,
        maxVersionsPerPackage: request.max_versions,
      };
      const cache = await parts.cache();
      const report = await cache.prune(policy, { dryRun: request.dry_run, signal });
      if (!report.dryRun) {
        for (const { reason } of report.removed) metrics.evictions.inc({ reason });
        note(parts, context, `pruned ${report.removed.length} versions`);
      }
      return pruneJson(report);
    },
    async verifyCache({ limit = defaultVerifyLimit }, { context, signal }) {
      gate.require(context, 'admin');
      const report = await (await parts.cache()).verify({ limit, signal });
      metrics.integrityFailures.inc(report.damaged.length + report.damagedFiles.length);
      note(parts, context, `verified ${report.blobs} blobs, ${report.damaged.length} damaged`);
      const { blobs, bytes, damaged, damagedFiles, finished } = report;
      return { blobs, bytes, damaged, damaged_files: damagedFiles, finished };
    },
    async clearManifests(_, { context }) {
      gate.require(context, 'admin');
      const cleared = parts.manager.metrics().manifestCache.entries;
      await parts.manager.use((manager) => manager.clearCache());
      parts.index.clear();
      note(parts, context, 'manifests cleared');
      return { cleared };
    },
    async metricsSummary(_, { context }) {
      gate.require(context, 'observe');
      const figures = parts.manager.metrics();
      return {
        pulls: figures.pulls,
        registry_pulls: await metrics.registryPulls(),
        pull_failures: figures.pullFailures,
        cache_hits: figures.cacheHits,
        cache_misses: figures.cacheMisses,
        cache_hit_rate: figures.cacheHitRate,
        downloads: figures.downloads,
        average_download_ms: figures.averageDownloadMs,
        bytes_downloaded: figures.bytesDownloaded,
        manifest_cache: figures.manifestCache,
      };
    },
  };
}

function note(parts: ServerParts, context: CallerContext, detail: string): void {
  parts.audit?.record({
    event: 'cache',
    result: 'ok',
    who: context.who,
    client: context.client,
    request_id: context.id,
    detail,
  });
}

function pruneJson(report: PruneReport): PruneJson {
  return {
    dry_run: report.dryRun,
    removed: report.removed.map(({ reference, digest, reason, bytes }) => ({
      reference,
      digest,
      reason,
      bytes,
    })),
    kept: report.kept,
    freed_blobs: report.freed.blobs,
    freed_bytes: report.freed.bytes,
    remaining_bytes: report.remainingBytes,
  };
}
