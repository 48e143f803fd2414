import type { PruneReport } from '@oci/cache';
import { retentionPolicy } from '@oci/manager/config';

import type { Invocation } from '../command/definition.js';
import { withContext } from '../context.js';
import { ageText, numberOf, sizeText } from '../render/quantity.js';
import { type Column, table } from '../render/table.js';
import type { Drawing } from '../render/page.js';

interface PruneInput {
  readonly maxAge?: number;
  readonly maxUnused?: number;
  readonly maxVersions?: number;
  readonly maxSize?: number;
  readonly grace?: number;
  readonly dryRun?: boolean;
}

export async function pruneCache(input: PruneInput, invocation: Invocation): Promise<void> {
  await withContext(invocation, async ({ manager, output, settings, signal }) => {
    const cache = await manager.cache();
    const { maxAge, maxUnused, maxVersions, maxSize, grace, dryRun } = input;
    const given = {
      ...(maxAge !== undefined && { maxAgeDays: maxAge }),
      ...(maxUnused !== undefined && { maxUnusedDays: maxUnused }),
      ...(maxVersions !== undefined && { maxVersionsPerPackage: maxVersions }),
      ...(maxSize !== undefined && { maxBytes: maxSize }),
    };
    const rules = Object.keys(given).length > 0 ? given : retentionPolicy(settings.values);
    const graceMs = grace === undefined ? undefined : grace * 60_000;
    const report = await cache.prune({ ...rules, graceMs }, { dryRun, signal });
    output.print({
      json: { cache_dir: cache.dir, ...jsonOf(report) },
      text: drawingOf(report),
      brief: report.removed.map(({ reference }) => reference),
    });
  });
}

function jsonOf(report: PruneReport): object {
  const { staleFiles, freed } = report;
  return {
    dry_run: report.dryRun,
    removed: report.removed.map(({ lastUse, storedAt, ...removed }) => ({
      ...removed,
      manifest_digest: removed.digest,
      last_use: new Date(lastUse).toISOString(),
      stored_at: new Date(storedAt).toISOString(),
    })),
    kept: report.kept.map((kept) => ({ ...kept, manifest_digest: kept.digest })),
    freed_blobs: freed.blobs,
    freed_bytes: freed.bytes,
    remaining_bytes: report.remainingBytes,
    leftovers: {
      temporary_files: staleFiles.temporaryFiles,
      partial_downloads: staleFiles.partialDownloads,
      quarantined: staleFiles.quarantined,
      bytes: staleFiles.bytes,
    },
  };
}

const columns: readonly (Column | string)[] = [
  { heading: 'REFERENCE', shrinksTo: 20 },
  { heading: 'SIZE', align: 'right' },
  { heading: 'USED', leaves: 1 },
  'WHY',
];

function drawingOf(report: PruneReport): Drawing {
  const { removed, kept, freed, staleFiles, dryRun } = report;
  const rows = [
    ...removed.map(({ reference, bytes, lastUse, reason }) => [
      reference,
      sizeText(bytes),
      ageText(new Date(lastUse)),
      reason,
    ]),
    ...kept.map(({ reference, reason }) => [reference, '-', '-', `stays: ${reason}`]),
  ];
  const drawn = rows.length > 0 ? table(columns, rows) : undefined;
  const verb = dryRun ? 'would free' : 'freed';
  const left = staleFiles.temporaryFiles + staleFiles.partialDownloads + staleFiles.quarantined;
  const summary = [
    `${verb} ${sizeText(freed.bytes)} in ${numberOf(freed.blobs, 'blob')} of ${numberOf(removed.length, 'version')}`,
    ...(left > 0 ? [`and ${left} leftovers, ${sizeText(staleFiles.bytes)}`] : []),
    `${sizeText(report.remainingBytes)} stay`,
  ].join(', ');
  return (page) => (drawn ? `${drawn(page)}\n${summary}` : summary);
}
