import type { Counted } from './quota/quota-record.js';

/** What content is in a repository: a blob that clients may ask for, a manifest, or both. */
export type LinkKind = 'blob' | 'manifest';

/** Says that a repository has content. */
export interface LinkRecord {
  readonly kinds: readonly LinkKind[];
  /** Absent where no quota applied when it was written. */
  readonly counted?: Counted;
  /** Is about to be removed; who relies on the link writes it again, which keeps it. */
  readonly condemned?: boolean;
}
