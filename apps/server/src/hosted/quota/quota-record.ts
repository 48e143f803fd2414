import type { RepositoryName } from '@oci/spec-types';

/** How a link is counted. A link counts exactly if it says so. */
export interface Counted {
  readonly in: RepositoryName;
  readonly bytes: number;
  /** Of the record of the namespace, when the bytes were reserved. */
  readonly era: number;
}

/**
 * How much of its quota a namespace uses: never less than its links are counted with, as bytes are added before a link
 * is written and taken off when it is gone. What a process that dies in between leaves too much is put right by a
 * recount. It sums up the links of eras that are over, in which nobody reserves any more, while pushes go on in the
 * present one.
 */
export interface QuotaRecord {
  /** The first era of this record: links that are counted in an earlier one belong to a record that was lost. */
  readonly first: number;
  /** The present era. */
  readonly era: number;
  /** When the present era began: milliseconds since the epoch. */
  readonly since: number;
  /** The era before which links were summed up last. */
  readonly summed: number;
  /** Bytes of the eras before the present one. */
  readonly older: number;
  /** Bytes of the present era. */
  readonly current: number;
  /** Is in place of a record that was damaged: links have to be counted before anything is reserved. */
  readonly isUncounted?: boolean;
}

/** Returns the record of a namespace of which nothing is counted yet. */
export function newQuotaRecord(now: number): QuotaRecord {
  return { first: now, era: now, since: now, summed: now, older: 0, current: 0 };
}

/** Says that links are counted. */
export function asCounted(record: QuotaRecord): QuotaRecord {
  return { ...record, isUncounted: false };
}

export function usedOf({ older, current }: QuotaRecord): number {
  return older + current;
}

export function withReserved(record: QuotaRecord, bytes: number): QuotaRecord {
  return { ...record, current: record.current + bytes };
}

/**
 * Takes off what a link was counted with that is gone.
 *
 * @param summed as the record said it before the link was removed: a sum that was made since may lack the link already
 */
export function withReleased(
  record: QuotaRecord,
  { bytes, era }: Counted,
  summed: number,
): QuotaRecord {
  if (era < record.first || era > record.era) return record;
  if (era === record.era) return { ...record, current: Math.max(0, record.current - bytes) };
  const isSummed = era < record.summed && summed !== record.summed;
  return isSummed ? record : { ...record, older: Math.max(0, record.older - bytes) };
}

/** Begins another era. */
export function withNewEra(record: QuotaRecord, now: number): QuotaRecord {
  const { era, older, current } = record;
  return { ...record, era: era + 1, since: now, older: older + current, current: 0 };
}

/**
 * Puts the bytes of all links that are counted in eras before the present one in place of what was recorded for them.
 * Those that were released while links were read may be among `bytes`: where nothing is missing in the record, what is
 * left there counts.
 *
 * @param begun the record since before the links were read
 */
export function withSum(record: QuotaRecord, begun: QuotaRecord, bytes: number): QuotaRecord {
  if (record.era !== begun.era || record.summed === begun.era) return record;
  const older = bytes > begun.older ? bytes : Math.min(bytes, record.older);
  return { ...record, summed: begun.era, older };
}

/** Tells whether a link of the same namespace is counted in a record. */
export function isCountedIn({ first }: QuotaRecord, counted: Counted): boolean {
  return counted.era >= first;
}
