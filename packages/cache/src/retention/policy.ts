import { OciError } from '@oci/spec-types';

/** What may stay in a cache. Every rule that is given applies; without one, only leftovers go. */
export interface RetentionPolicy {
  /** Days since the content of a reference came. */
  readonly maxAgeDays?: number | undefined;
  /** Days since a reference was last used. */
  readonly maxUnusedDays?: number | undefined;
  /** Bytes of blobs and views; the references that were not used for longest go first, to the hour. */
  readonly maxBytes?: number | undefined;
  /** References of one repository; those that were used last stay. */
  readonly maxVersionsPerPackage?: number | undefined;
  /** What was used within this time stays, in milliseconds. Default 10 minutes. */
  readonly graceMs?: number | undefined;
}

export const defaultGraceMs: number = 10 * 60_000;

/** Why a reference goes. */
export type RemovalReason = 'age' | 'unused' | 'versions' | 'size';

/** Why a reference stays although a rule says that it goes. */
export type KeepReason = 'pinned' | 'in use' | 'used recently';

/** @throws OciError `USAGE` */
export function checkPolicy(policy: RetentionPolicy): RetentionPolicy {
  for (const [name, value] of Object.entries(policy) as [string, number | undefined][]) {
    if (value === undefined || (Number.isFinite(value) && value >= 0)) continue;
    throw new OciError('USAGE', `${name} has to be a number, 0 or more`, {
      hint: 'Leave it out for no limit.',
    });
  }
  return policy;
}
