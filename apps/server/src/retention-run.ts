import { OciError } from '@oci/spec-types';

import type { CollectionCaller } from './collection-run.js';
import {
  type Removal,
  type RetentionCall,
  type RetentionReport,
  retainedKinds,
} from './hosted/rules/retention-report.js';
import type { ServerParts } from './server-parts.js';

/**
 * Removes what the rules let go, and tells the metrics and the audit log of it.
 *
 * @returns undefined when another run goes on, in this process or another one
 * @throws OciError `ABORTED`, `STORAGE_…`
 */
export function runRetention(
  { hosted, metrics, audit, index }: Pick<ServerParts, 'hosted' | 'metrics' | 'audit' | 'index'>,
  call: RetentionCall,
  caller: CollectionCaller,
): Promise<RetentionReport | undefined> {
  const onRemoval = ({ kind, repository, tag, digest, why }: Removal): void => {
    if (call.dryRun) return;
    metrics.retentionRemovals.inc({ kind });
    index.changed(repository);
    const what = { repository, reference: tag ?? digest, digest, source: 'retention' } as const;
    audit?.record({ event: 'delete', result: 'ok', ...caller, ...what, detail: why });
  };
  const onEnd = (report: RetentionReport): void => {
    // Without rules there is nothing to tell of.
    if (report.dryRun || report.repositories === 0) return;
    const { result } = report;
    metrics.retentionRuns.inc({ result });
    const ended = result === 'done' ? 'ok' : 'failed';
    audit?.record({ event: 'storage', result: ended, ...caller, detail: detailOf(report) });
  };
  return hosted.retention.run(call, { onRemoval, onEnd });
}

/** As {@link runRetention}. @throws OciError `STORAGE_FAILED` when another run goes on */
export async function runRetentionAlone(
  ...args: Parameters<typeof runRetention>
): Promise<RetentionReport> {
  return (await runRetention(...args)) ?? anotherRuns();
}

/** @throws OciError `STORAGE_FAILED` */
export function anotherRuns(): never {
  throw new OciError('STORAGE_FAILED', 'another run of retention on this storage goes on', {
    retryable: true,
    hint: 'Wait until it has ended: GET /api/v1/oci/storage tells.',
  });
}

function detailOf({ result, kinds }: RetentionReport): string {
  const counts = retainedKinds.map((kind) => `${kinds[kind].removed} ${kind}`).join(', ');
  return `retention ${result}: removed ${counts}`;
}
