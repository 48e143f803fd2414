import { performance } from 'node:perf_hooks';

/** How long is looked at before more connections are begun, at first and then, in milliseconds. */
const firstLookMs = 25;
const nextLookMs = 250;

/** From this share of its time on a thread is what limits, not the connections. */
const busyShare = 0.8;

/** So long one registry's blobs are asked for by several connections at once, in milliseconds. */
const rememberedFor = 60_000;

/** Tells the largest share of its time, 0 to 1, for which a thread was busy since it began to be looked at. */
export type BusyShare = () => number;

/** What comes from one registry, over all connections, and whether more of them would bring more. */
export class Throughput {
  readonly #enough: number;
  readonly #watchWorkers: () => BusyShare;
  #received = 0;
  #wanted = 0;
  #slowUntil = 0;

  /**
   * @param enough bytes a second from which on more connections are not worth their price
   * @param watchWorkers begins to look at the threads that receive besides this one
   */
  constructor(enough: number, watchWorkers: () => BusyShare = () => () => 0) {
    this.#enough = enough;
    this.#watchWorkers = watchWorkers;
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
      const own = performance.eventLoopUtilization();
      const busiestWorker = this.#watchWorkers();
      timer = setTimeout(() => {
        const seconds = (performance.now() - begun) / 1000;
        const { utilization } = performance.eventLoopUtilization(own);
        const isEnough = (this.#received - received) / seconds >= this.#enough;
        const isBusy = Math.max(utilization, busiestWorker()) >= busyShare;
        if (isEnough || isBusy) return look(nextLookMs);
        this.#slowUntil = performance.now() + rememberedFor;
        onSlow();
      }, lookMs);
    };
    look(firstLookMs);
    return () => clearTimeout(timer);
  }
}
