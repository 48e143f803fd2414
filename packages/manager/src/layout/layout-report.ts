import type { CopyResult } from '@oci/client/copy';
import type { Digest } from '@oci/spec-types';

/** A reference that went from a cache to a layout, or back. */
export interface MovedReference {
  readonly reference: string;
  readonly digest: Digest;
  /** Signatures and whatever else refers to it. */
  readonly referrers: number;
}

export interface CacheLayoutReport {
  /** Absolute. */
  readonly path: string;
  readonly moved: readonly MovedReference[];
  /** What was left where it is, and why. */
  readonly skipped: readonly { readonly reference: string; readonly reason: string }[];
  /** Of content that was not there yet. */
  readonly bytes: number;
}

/** What went, as it is told. */
export class LayoutReport {
  readonly #path: string;
  readonly #moved: MovedReference[] = [];
  readonly #skipped: { reference: string; reason: string }[] = [];
  #bytes = 0;

  constructor(path: string) {
    this.#path = path;
  }

  move(reference: string, result: CopyResult): void {
    const { digest } = result.descriptor;
    this.#moved.push({ reference, digest, referrers: result.referrers });
    this.#bytes += result.copied.bytes;
  }

  /** Of a dry run. */
  tell(reference: string, digest: Digest): void {
    this.#moved.push({ reference, digest, referrers: 0 });
  }

  skip(reference: string, reason: string): void {
    this.#skipped.push({ reference, reason });
  }

  end(): CacheLayoutReport {
    return {
      path: this.#path,
      moved: this.#moved,
      skipped: this.#skipped,
      bytes: this.#bytes,
    };
  }
}
