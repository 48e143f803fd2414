/** Bytes that are kept for a next time, at most. */
const keptBytes = 8 * 1024 * 1024;

/** Memory that bodies are received into and that is used again: one block for each batch that is written. */
export class BlockPool {
  readonly #size: () => number;
  readonly #lent: WeakSet<ArrayBufferLike> = new WeakSet();
  #free: Buffer[] = [];

  /** @param size how large blocks are that are taken now, in bytes */
  constructor(size: () => number) {
    this.#size = size;
  }

  /** Bytes of a block that is taken now. */
  get size(): number {
    return this.#size();
  }

  take(): Buffer {
    const { size } = this;
    let block = this.#free.pop();
    if (block?.byteLength !== size) {
      // What has another size is of a time with more or fewer connections.
      this.#free = [];
      block = Buffer.allocUnsafeSlow(size);
    }
    this.#lent.add(block.buffer);
    return block;
  }

  /** Takes back the block that bytes are in; what is not of this pool is none of its business. */
  giveBack({ buffer }: Uint8Array): void {
    if (!this.#lent.delete(buffer)) return;
    if ((this.#free.length + 1) * buffer.byteLength <= keptBytes)
      this.#free.push(Buffer.from(buffer as ArrayBuffer));
  }
}
