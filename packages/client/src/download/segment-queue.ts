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
  readonly #waiting: Segment[];
  readonly #running = new Set<Segment>();
  readonly #sizes: SegmentSizes;

  constructor(gaps: readonly Span[], sizes: SegmentSizes) {
    this.#sizes = sizes;
    this.#waiting = gaps.flatMap((gap) => divide(gap, sizes.most));
  }

  /** Whether somebody waits to be fetched, without taking from others. */
  get hasWork(): boolean {
    return this.#waiting.length > 0;
  }

  /** The next segment; undefined when nothing is left that is worth another request. */
  take(): Segment | undefined {
    const segment = this.#waiting.shift() ?? this.#steal();
    if (segment) this.#running.add(segment);
    return segment;
  }

  finish(segment: Segment): void {
    this.#running.delete(segment);
  }

  #steal(): Segment | undefined {
    const [slowest] = [...this.#running].sort((a, b) => b.remaining - a.remaining);
    if (!slowest || slowest.remaining < 2 * this.#sizes.least) return undefined;
    const middle = slowest.position + Math.ceil(slowest.remaining / 2);
    const rest = new Segment({ start: middle, end: slowest.end });
    slowest.end = middle;
    return rest;
  }
}

function divide({ start, end }: Span, most: number): Segment[] {
  const segments: Segment[] = [];
  for (let at = start; at < end; at += most)
    segments.push(new Segment({ start: at, end: Math.min(end, at + most) }));
  return segments;
}
