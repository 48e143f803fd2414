import {
  type CollectionCall,
  type CollectionReport,
  collectedKinds,
} from './hosted/collection/collection-report.js';
import { anotherCollects } from './hosted/collection/hosted-collection.js';
import type { ServerParts } from './server-parts.js';

/** For whom a collection runs, as the audit log names it. */
export interface CollectionCaller {
  readonly who: string;
  readonly client?: string | undefined;
  readonly request_id?: string | undefined;
}

/**
 * Collects the hosted storage, and tells the metrics and the audit log how it went.
 *
 * @returns undefined when another collection runs, in this process or another one
 * @throws OciError `ABORTED`, `STORAGE_…`
 */
export function runCollection(
  { hosted, metrics, audit }: Pick<ServerParts, 'hosted' | 'metrics' | 'audit'>,
  call: CollectionCall,
  caller: CollectionCaller,
): Promise<CollectionReport | undefined> {
  return hosted.collection.tryRun(call, (report) => {
    const { dryRun, result, kinds } = report;
    if (dryRun) return;
    metrics.collections.inc({ result });
    for (const kind of collectedKinds) {
      metrics.collectedObjects.inc({ kind }, kinds[kind].removed);
      metrics.collectedBytes.inc({ kind }, kinds[kind].bytes);
    }
    audit?.record({
      event: 'storage',
      result: result === 'done' ? 'ok' : 'failed',
      ...caller,
      detail: detailOf(report),
    });
  });
}

/** As {@link runCollection}. @throws OciError `STORAGE_FAILED` when another collection runs */
export async function runCollectionAlone(
  ...args: Parameters<typeof runCollection>
): Promise<CollectionReport> {
  return (await runCollection(...args)) ?? anotherCollects();
}

function detailOf({ result, kinds }: CollectionReport): string {
  const counts = collectedKinds.map((kind) => `${kinds[kind].removed} ${kind}`).join(', ');
  const bytes = collectedKinds.reduce((sum, kind) => sum + kinds[kind].bytes, 0);
  return `collection ${result}: removed ${counts}, ${bytes} bytes`;
}
