import type { Descriptor } from '@oci/spec-types';

/** Content that is whole and verified on disk. Made only by {@link ContentStore}. */
export interface StoredBlob {
  readonly descriptor: Descriptor;
  readonly path: string;
  readonly __brand: 'StoredBlob';
}
