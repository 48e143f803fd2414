import type { Digest } from '@oci/spec-types';

/** What a tag, or the record of a manifest, says. */
export interface ManifestRecord {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly pushedAt: number;
  /** Whose list of referrers it is in; not in the record of a tag. */
  readonly subject?: Digest;
  /** Is being deleted: what points to it goes first. */
  readonly isDeleting?: boolean;
}

/** Refuses a change whose caller has seen another state; is called with the present digest, if there is one. */
export type StateCheck = (current: Digest | undefined) => void;
