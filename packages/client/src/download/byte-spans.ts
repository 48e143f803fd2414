/** Positions from `start` up to, and without, `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A set of byte positions, as sorted spans that neither touch nor overlap. */
export class ByteSpans {
  #spans: Span[] = [];

  constructor(spans: Iterable<Span> = []) {
    for (const span of spans) this.add(span);
  }

  add({ start, end }: Span): void {
    if (end <= start) return;
    const before = this.#spans.filter((span) => span.end < start);
    const after = this.#spans.filter((span) => span.start > end);
    const joined = this.#spans.slice(before.length, this.#spans.length - after.length);
    const first = Math.min(start, joined[0]?.start ?? start);
    const last = Math.max(end, joined.at(-1)?.end ?? end);
    this.#spans = [...before, { start: first, end: last }, ...after];
  }

  [Symbol.iterator](): Iterator<Span> {
    return this.#spans[Symbol.iterator]();
  }

  /** How many positions there are. */
  get size(): number {
    return this.#spans.reduce((sum, { start, end }) => sum + end - start, 0);
  }

  /** Behind the last position. */
  get end(): number {
    return this.#spans.at(-1)?.end ?? 0;
  }

  /** Up to which position, from 0, none is missing. */
  get prefix(): number {
    const [first] = this.#spans;
    return first?.start === 0 ? first.end : 0;
  }

  /** What is missing of a span. */
  missingOf({ start, end }: Span): readonly Span[] {
    return this.gaps(end)
      .map((gap) => ({ start: Math.max(start, gap.start), end: gap.end }))
      .filter((gap) => gap.end > gap.start);
  }

  /** What is missing below `size`. */
  gaps(size: number): readonly Span[] {
    const starts = [0, ...this.#spans.map(({ end }) => end)];
    const ends = [...this.#spans.map(({ start }) => start), size];
    return starts
      .map((start, at) => ({ start, end: Math.min(ends[at] ?? size, size) }))
      .filter(({ start, end }) => end > start);
  }
}
