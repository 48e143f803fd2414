import type { Digest } from '@oci/spec-types';

import type { BlobOutcome } from './blob-copy.js';

/** What the target is known to have, so that copies that share content ask and bring once. */
export class CopiedContent {
  readonly #known = new Map<Digest, Promise<BlobOutcome>>();

  /** Brings content unless another copy does or did; when that one failed, by itself. */
  async once(digest: Digest, bring: () => Promise<BlobOutcome>): Promise<BlobOutcome> {
    const other = this.#known.get(digest);
    if (other && (await other.catch(() => undefined))) return 'skipped';
    const own = bring();
    this.#known.set(digest, own);
    try {
      return await own;
    } catch (error) {
      if (this.#known.get(digest) === own) this.#known.delete(digest);
      throw error;
    }
  }
}
