import { performance } from 'node:perf_hooks';

/** How long is looked at before more connections are begun, at first and then, in milliseconds. */
const firstLookMs = 25;
const nextLookMs = 250;

/** So long one registry's blobs are asked for by several connections at once, in milliseconds. */
const rememberedFor = 60_000;

/** What comes from one registry, over all connections, and whether more of them would bring more. */
export class Throughput {
  readonly #enough: number;
  #received = 0;
  #wanted = 0;
  #slowUntil = 0;

  /** @param enough bytes a second from which on more connections are not worth their price */
  constructor(enough: number) {
    this.#enough = enough;
  }

  /** Whether one connection was too slow a moment ago, or none is ever fast enough. */
  get isSlow(): boolean {
    return this.#enough === Infinity || performance.now() < this.#slowUntil;
  }

  /** Bytes of all blobs that are being downloaded. */
  get wanted(): number {
    return this.#wanted;
  }

  /** Notes that a blob is wanted. @returns notes that it no longer is */
  want(bytes: number): () => void {
    this.#wanted += bytes;
    return () => {
      this.#wanted -= bytes;
    };
  }

  add(bytes: number): void {
    this.#received += bytes;
  }

  /** Watches what comes from now on. @returns stops that; `onSlow` is called once, when more connections would help */
  watch(onSlow: () => void): () => void {
    let timer: NodeJS.Timeout;
    const look = (lookMs: number): void => {
      const begun = performance.now();
      const received = this.#received;
      timer = setTimeout(() => {
        const seconds = (performance.now() - begun) / 1000;
        if ((this.#received - received) / seconds >= this.#enough) return look(nextLookMs);
        this.#slowUntil = performance.now() + rememberedFor;
        onSlow();
      }, lookMs);
    };
    look(firstLookMs);
    return () => clearTimeout(timer);
  }
}
