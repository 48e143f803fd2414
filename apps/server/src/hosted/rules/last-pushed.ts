import type { Tag } from '@oci/spec-types';

interface PushedTag {
  readonly tag: Tag;
  /** Milliseconds since the epoch. */
  readonly pushedAt: number;
}

/** The tags that were pushed last, in memory for so many and no more. */
export class LastPushed {
  readonly #most: number;
  /** The latest first. */
  readonly #tags: PushedTag[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  add(pushed: PushedTag): void {
    if (!this.has(pushed)) return;
    let low = 0;
    let high = this.#tags.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const known = this.#tags[middle];
      if (known && isBefore(known, pushed)) low = middle + 1;
      else high = middle;
    }
    this.#tags.splice(low, 0, pushed);
    if (this.#tags.length > this.#most) this.#tags.pop();
  }

  /** Tells whether a tag is one of them, or was pushed behind one of them. */
  has(pushed: PushedTag): boolean {
    const last = this.#tags.at(-1);
    return this.#tags.length < this.#most || !last || !isBefore(last, pushed);
  }
}

/** Tells whether `a` counts as the later one of two tags. */
function isBefore(a: PushedTag, b: PushedTag): boolean {
  return a.pushedAt === b.pushedAt ? a.tag > b.tag : a.pushedAt > b.pushedAt;
}
