import type { Span } from './byte-spans.js';

/** A span that one request after another brings; its end moves when another takes the rest of it. */
export class Segment {
  /** The next byte that is to come. */
  position: number;
  end: number;
  /** Asks who writes it where it ends from now on, when that is not known here at once. */
  cutter: ((end: number) => Promise<number>) | undefined;
  #cutting: Promise<number> | undefined;

  constructor({ start, end }: Span) {
    this.position = start;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.position;
  }

  get isBeingCut(): boolean {
    return this.#cutting !== undefined;
  }

  /** Waits until its end is known again. */
  async settle(): Promise<void> {
    await this.#cutting;
  }

  /** Moves its end forward. @returns what was cut off; empty when it had come meanwhile */
  async cut(end: number): Promise<Span> {
    const before = this.end;
    if (end >= before) return { start: before, end: before };
    if (!this.cutter) {
      this.end = end;
      return { start: end, end: before };
    }
    this.#cutting = this.cutter(end).then((at) => (this.end = Math.min(before, at)));
    await this.#cutting;
    this.#cutting = undefined;
    return { start: this.end, end: before };
  }
}

export interface SegmentSizes {
  /** Bytes of a segment, at most. */
  readonly most: number;
  /** A segment with less to come than twice this is not divided. */
  readonly least: number;
}

/**
 * What is still to be fetched, from the front to the back, so that hashing can follow closely. Who
 * finds it empty takes half of what the slowest still has before it.
 */
export class SegmentQueue {
  /** Cut when somebody takes of it: a size is only what a manifest says (GHSA-f36w-mj3v-6jqv). */
  readonly #waiting: Span[];
  readonly #running = new Set<Segment>();
  readonly #least: number;
  #most: number;

  constructor(gaps: readonly Span[], sizes: SegmentSizes) {
    this.#most = sizes.most;
    this.#least = sizes.least;
    this.#waiting = [...gaps];
  }

  /** Whether somebody waits to be fetched, without taking from others. */
  get hasWork(): boolean {
    return this.#waiting.length > 0;
  }

  /** The next segment; undefined when nothing is left that is worth another request. */
  async take(): Promise<Segment | undefined> {
    const segment = this.#cut() ?? (await this.#steal());
    if (segment) this.#running.add(segment);
    return segment;
  }

  /** Cuts what runs and what waits into smaller segments from now on, so that others find work. */
  async divide(most: number): Promise<void> {
    this.#most = most;
    const running = [...this.#running].filter(({ isBeingCut }) => !isBeingCut);
    const cut = await Promise.all(running.map((segment) => segment.cut(segment.position + most)));
    this.#waiting.unshift(...cut.filter(({ start, end }) => end > start));
  }

  finish(segment: Segment): void {
    this.#running.delete(segment);
  }

  #cut(): Segment | undefined {
    const gap = this.#waiting.shift();
    if (!gap) return undefined;
    const end = Math.min(gap.end, gap.start + this.#most);
    if (end < gap.end) this.#waiting.unshift({ start: end, end: gap.end });
    return new Segment({ start: gap.start, end });
  }

  /** Half of the rest of the slowest, or of the next, when all of that has come meanwhile. */
  async #steal(): Promise<Segment | undefined> {
    const slowest = [...this.#running]
      .filter(({ isBeingCut }) => !isBeingCut)
      .sort((a, b) => b.remaining - a.remaining);
    for (const segment of slowest) {
      if (segment.isBeingCut || segment.remaining < 2 * this.#least) continue;
      const middle = segment.position + Math.ceil(segment.remaining / 2);
      const rest = await segment.cut(middle);
      if (rest.end > rest.start) return new Segment(rest);
    }
    return this.#cut();
  }
}
