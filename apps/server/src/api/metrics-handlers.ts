import type { ServerParts } from '../server-parts.js';
import type { Handlers } from './endpoint.js';

export function metricsHandlers({
  gate,
  manager,
  metrics,
}: ServerParts): Handlers<'metricsSummary'> {
  return {
    async metricsSummary(_, { context }) {
      gate.require(context, 'observe');
      const figures = manager.metrics();
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
