import type { Digest } from '@oci/spec-types';

/**
 * Removes content that nothing refers to any more, but never while somebody gives it a new reference:
 * then the removal is decided when they have ended.
 */
export class Reclamation {
  readonly #removeUnreferenced: (digest: Digest) => Promise<void>;
  readonly #uses = new Map<Digest, number>();
  readonly #removals = new Map<Digest, Promise<void>>();
  readonly #wanted = new Set<Digest>();

  /** @param removeUnreferenced removes content unless something refers to it */
  constructor(removeUnreferenced: (digest: Digest) => Promise<void>) {
    this.#removeUnreferenced = removeUnreferenced;
  }

  /** Runs work that stores content or refers to it; what it leaves without a reference is removed. */
  async protect<T>(digest: Digest, work: () => Promise<T>): Promise<T> {
    for (let removal; (removal = this.#removals.get(digest));) await removal.catch(() => {});
    this.#uses.set(digest, (this.#uses.get(digest) ?? 0) + 1);
    try {
      return await work();
    } catch (error) {
      this.#wanted.add(digest);
      throw error;
    } finally {
      const left = (this.#uses.get(digest) ?? 1) - 1;
      if (left > 0) this.#uses.set(digest, left);
      else this.#uses.delete(digest);
      // What can not be removed now is removed at the next start.
      if (this.#wanted.has(digest)) await this.reclaim(digest).catch(() => {});
    }
  }

  /** Removes content unless something refers to it, or is about to. */
  reclaim(digest: Digest): Promise<void> {
    this.#wanted.add(digest);
    const running = this.#removals.get(digest);
    if (running || this.#uses.has(digest)) return running ?? Promise.resolve();
    const removal = this.#remove(digest);
    this.#removals.set(digest, removal);
    return removal;
  }

  async #remove(digest: Digest): Promise<void> {
    try {
      // Whoever asks meanwhile may have taken a reference away that was counted.
      while (this.#wanted.delete(digest)) await this.#removeUnreferenced(digest);
    } finally {
      this.#removals.delete(digest);
    }
  }
}
