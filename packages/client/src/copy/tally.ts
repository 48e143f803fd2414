import type { Descriptor } from '@oci/spec-types';

import type { CopyTally } from './copy-options.js';

/** Counts what had one outcome. */
export class Tally {
  #manifests = 0;
  #blobs = 0;
  #bytes = 0;

  manifest({ size }: Descriptor): void {
    this.#manifests += 1;
    this.#bytes += size;
  }

  blob({ size }: Descriptor): void {
    this.#blobs += 1;
    this.#bytes += size;
  }

  get sums(): CopyTally {
    return { manifests: this.#manifests, blobs: this.#blobs, bytes: this.#bytes };
  }
}
