import type { Digest, RepositoryName } from '@oci/spec-types';

/** An upload in progress, as all processes know it. */
export interface UploadRecord {
  readonly repository: RepositoryName;
  /** Data of its pieces, in their order, with their bytes. */
  readonly pieces: readonly (readonly [data: string, size: number])[];
  /** Is being ended as this content: no piece comes any more. */
  readonly closing?: Digest;
}

export function sizeOf({ pieces }: UploadRecord): number {
  return pieces.reduce((sum, [, size]) => sum + size, 0);
}
