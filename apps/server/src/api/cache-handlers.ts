import type { PruneReport } from '@oci/cache';

import type { CallerContext } from '../http/request-context.js';
import type { ServerParts } from '../server-parts.js';
import type { ApiCall, Handlers } from './endpoint.js';
import type { PruneJson, PruneRequest, VerifyJson, VerifyRequest } from './json/cache-json.js';

/** Blobs that one call hashes, when it does not say. */
const defaultVerifyLimit = 1000;

export function cacheHandlers(
  parts: ServerParts,
): Handlers<'cacheStats' | 'clearManifests' | 'pruneCache' | 'verifyCache'> {
  const { gate } = parts;
  return {
    async cacheStats(_, { context }) {
      gate.require(context, 'observe');
      return (await parts.cache()).stats();
    },
    pruneCache: (request, call) => pruneCache(parts, request, call),
    verifyCache: (request, call) => verifyCache(parts, request, call),
    async clearManifests(_, { context }) {
      gate.require(context, 'admin');
      const cleared = parts.manager.metrics().manifestCache.entries;
      await parts.manager.use((manager) => manager.clearCache());
      parts.index.clear();
      note(parts, context, 'manifests cleared');
      return { cleared };
    },
  };
}

async function pruneCache(
  parts: ServerParts,
  request: PruneRequest,
  { context, signal }: ApiCall,
): Promise<PruneJson> {
  parts.gate.require(context, 'admin');
  const policy = {
    maxAgeDays: request.max_age_days,
    maxUnusedDays: request.max_unused_days,
    maxBytes: request.max_bytes,
    maxVersionsPerPackage: request.max_versions,
  };
  const cache = await parts.cache();
  const report = await cache.prune(policy, { dryRun: request.dry_run, signal });
  if (!report.dryRun) {
    for (const { reason } of report.removed) parts.metrics.evictions.inc({ reason });
    note(parts, context, `pruned ${report.removed.length} versions`);
  }
  return pruneJson(report);
}

async function verifyCache(
  parts: ServerParts,
  { limit = defaultVerifyLimit }: VerifyRequest,
  { context, signal }: ApiCall,
): Promise<VerifyJson> {
  parts.gate.require(context, 'admin');
  const report = await (await parts.cache()).verify({ limit, signal });
  const { blobs, bytes, damaged, damagedFiles, finished } = report;
  parts.metrics.integrityFailures.inc(damaged.length + damagedFiles.length);
  note(parts, context, `verified ${blobs} blobs, ${damaged.length} damaged`);
  return { blobs, bytes, damaged, damaged_files: damagedFiles, finished };
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
