import { join } from 'node:path';

import { namesIn, statOf } from '../directory-walk.js';
import { paths } from '../cache-format.js';
import type { RetentionPolicy } from './policy.js';
import type { ScannedReference } from './scan.js';
import { byPackage, dayMs } from './selection.js';

/** What a pruning found and left, by which the next one may know that it has nothing to do. Times are milliseconds. */
export interface Summary {
  readonly state: string;
  /** Of blobs and materialized files. */
  readonly bytes: number;
  readonly oldestUse: number;
  readonly oldestStored: number;
  /** Of one repository. */
  readonly versions: number;
  /** When content that nothing leads to is to be removed next. */
  readonly nextOrphan: number;
}

/** How the files and directories look that change with every blob and every reference that comes, moves or goes. */
export function stateOf(dir: string): string {
  const blobs = namesIn(join(dir, paths.blobs)).map((name) => `${paths.blobs}${name}`);
  const looks = [paths.index, paths.unindexed, ...blobs].map((path) => {
    const { ino, size, ctimeMs } = statOf(join(dir, path)) ?? {};
    return `${path} ${ino} ${size} ${ctimeMs}`;
  });
  return looks.join('\n');
}

export function summarize(
  found: Pick<Summary, 'bytes' | 'nextOrphan'>,
  references: readonly ScannedReference[],
): Omit<Summary, 'state'> {
  const least = (of: (reference: ScannedReference) => number): number =>
    references.reduce((least, reference) => Math.min(least, of(reference)), Number.MAX_VALUE);
  let versions = 0;
  for (const { length } of byPackage(references)) versions = Math.max(versions, length);
  return {
    ...found,
    versions,
    oldestUse: least(({ lastUse }) => lastUse),
    oldestStored: least(({ storedAt }) => storedAt),
  };
}

/** Returns what a summary says; undefined for one that says nothing. */
export function parseSummary(text: string | undefined): Summary | undefined {
  try {
    const summary = JSON.parse(text ?? '') as Partial<Summary> | null;
    const { bytes, oldestUse, oldestStored, versions, nextOrphan } = summary ?? {};
    const isWhole = [bytes, oldestUse, oldestStored, versions, nextOrphan].every(Number.isFinite);
    return isWhole ? (summary as Summary) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether no rule lets anything go, as long as the state is the same. */
export function isWithin(summary: Summary, policy: RetentionPolicy, now: number): boolean {
  const { maxAgeDays = Infinity, maxUnusedDays = Infinity } = policy;
  const { maxBytes = Infinity, maxVersionsPerPackage = Infinity } = policy;
  return (
    summary.oldestStored > now - maxAgeDays * dayMs &&
    summary.oldestUse > now - maxUnusedDays * dayMs &&
    summary.bytes <= maxBytes &&
    summary.versions <= maxVersionsPerPackage &&
    summary.nextOrphan > now
  );
}
