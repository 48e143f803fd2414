import type { BlockPool } from './block-pool.js';
import type { ResponseBody } from './exchange.js';

/** What is there is passed on after this, though its block is not full, in milliseconds. */
const flushMs = 50;

/** Blocks that wait for their reader before nothing more is received. */
const mostReady = 2;

/** What a body is received by. */
interface Receiver {
  readonly blocks: BlockPool;
  /** Receives again, after it was stopped. */
  readonly resume: () => void;
  /** Resolved when the connection is free for the next request, or ended. */
  readonly released: Promise<void>;
  /** Ends the connection. */
  readonly destroy: () => void;
}

/** A body of known size that is received into blocks, as far ahead as its reader keeps up with. */
export class TappedBody implements ResponseBody {
  /** Bytes that are still to come. */
  left: number;
  #receiver: Receiver | undefined;
  #block: Buffer = Buffer.alloc(0);
  /** The block holds bytes for the reader from here to there. */
  #from = 0;
  #to = 0;
  #ready: Uint8Array[] = [];
  #isStopped = true;
  #timer: NodeJS.Timeout | undefined;
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  /** @param early what came together with the head */
  constructor(size: number, early: Uint8Array) {
    this.left = size - early.byteLength;
    this.#ready.push(early);
  }

  /** From now on it is received. */
  attach(receiver: Receiver): void {
    this.#receiver = receiver;
    this.#take();
    this.#go();
  }

  /** Where the next bytes belong; undefined before it is received. */
  space(most: number): Uint8Array | undefined {
    if (!this.#receiver) return undefined;
    return this.#block.subarray(this.#to, this.#to + Math.min(most, this.left));
  }

  /** Notes bytes that came, mostly into its space. @returns whether more may come now */
  received(bytes: Uint8Array): boolean {
    if (!this.#receiver) {
      this.left -= bytes.byteLength;
      this.#ready.push(Buffer.from(bytes));
      return false;
    }
    if (bytes.buffer !== this.#block.buffer) this.#block.set(bytes, this.#to);
    this.#to += bytes.byteLength;
    this.left -= bytes.byteLength;
    if (this.#to === this.#block.byteLength || this.left === 0) this.#fill();
    else this.#timer ??= setTimeout(() => this.#flush(), flushMs);
    this.#isStopped = this.#ready.length >= mostReady;
    return !this.#isStopped;
  }

  /** The connection ended: what came before is passed on first. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#flush();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    let isOver = false;
    try {
      for (;;) {
        const chunk = this.#ready.shift();
        if (chunk) {
          this.#go();
          yield chunk;
        } else if (this.left === 0) break;
        else if (this.#failure) throw this.#failure.error;
        else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
      isOver = true;
      await this.#receiver?.released;
    } finally {
      if (!isOver) this.destroy();
    }
  }

  /** A large body is not worth being read for nothing. */
  async dump(): Promise<void> {
    this.destroy();
  }

  destroy(): void {
    this.#receiver?.destroy();
    this.fail(new Error('the body was given up'));
  }

  #go(): void {
    if (!this.#isStopped || this.left === 0) return;
    this.#isStopped = false;
    this.#receiver?.resume();
  }

  #take(): void {
    if (this.#receiver) this.#block = this.#receiver.blocks.take();
    this.#from = 0;
    this.#to = 0;
  }

  /** The block is full, or has the last bytes. */
  #fill(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#ready.push(this.#block.subarray(this.#from, this.#to));
    this.#from = this.#to;
    if (this.left > 0) this.#take();
    this.#wake?.();
  }

  /** A copy, since its block is received into from there on. */
  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const bytes = this.#block.subarray(this.#from, this.#to);
    if (bytes.byteLength > 0) this.#ready.push(Buffer.from(bytes));
    this.#from = this.#to;
    this.#wake?.();
  }
}
