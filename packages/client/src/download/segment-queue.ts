import type { Span } from './byte-spans.js';

/** A span that one request after another brings; its end moves when another takes the rest of it. */
export class Segment {
  /** The next byte that is to come. */
  position: number;
  end: number;

  constructor({ start, end }: Span) {
    this.position = start;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.position;
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
  take(): Segment | undefined {
    const segment = this.#cut() ?? this.#steal();
    if (segment) this.#running.add(segment);
    return segment;
  }

  /** Cuts what runs and what waits into smaller segments from now on, so that others find work. */
  divide(most: number): void {
    this.#most = most;
    for (const segment of this.#running) {
      const end = segment.position + most;
      if (end >= segment.end) continue;
      this.#waiting.unshift({ start: end, end: segment.end });
      segment.end = end;
    }
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

  #steal(): Segment | undefined {
    const [slowest] = [...this.#running].sort((a, b) => b.remaining - a.remaining);
    if (!slowest || slowest.remaining < 2 * this.#least) return undefined;
    const middle = slowest.position + Math.ceil(slowest.remaining / 2);
    const rest = new Segment({ start: middle, end: slowest.end });
    slowest.end = middle;
    return rest;
  }
}
