import type { Descriptor } from '@oci/spec-types';

/** What a pull gives: a whole, verified file at the guide's path. */
export interface PulledArtifact {
  /** A gzip tar. */
  readonly path: string;
  readonly reference: string;
  /** Of the content layer, as published. */
  readonly digest: Descriptor['digest'];
  /** Bytes of the content layer, as published. */
  readonly size: number;
  readonly mediaType: string;
  readonly manifestDigest: Descriptor['digest'];
  /** Whether nothing was downloaded. */
  readonly fromCache: boolean;
}
