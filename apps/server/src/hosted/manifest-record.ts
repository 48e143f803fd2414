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
  /** When retention first saw that nothing refers to it, in milliseconds since the epoch; the next push ends that. */
  readonly untaggedSince?: number;
}

/** Refuses a change whose caller has seen another state; is called with the present digest, if there is one. */
export type StateCheck = (current: Digest | undefined) => void;
