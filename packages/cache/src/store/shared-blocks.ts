interface Block {
  readonly file: string;
  readonly size: number;
  readonly bytes: Promise<Uint8Array>;
}

/**
 * Blocks of files that several read at about the same time: whoever comes second gets what the first one
 * read. Nothing is kept of a file that has one reader, and of all others at most `mostBytes` together.
 */
export class SharedBlocks {
  readonly #mostBytes: number;
  readonly #readers = new Map<string, number>();
  readonly #blocks = new Map<string, Block>();
  #bytes = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** Bytes that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  readersOf(file: string): number {
    return this.#readers.get(file) ?? 0;
  }

  /** @param file names one version of a file */
  enter(file: string): void {
    this.#readers.set(file, this.readersOf(file) + 1);
  }

  leave(file: string): void {
    const left = this.readersOf(file) - 1;
    if (left > 0) this.#readers.set(file, left);
    else this.#readers.delete(file);
    if (left > 1) return;
    for (const [key, block] of this.#blocks) if (block.file === file) this.#forget(key);
  }

  /** Bytes from `position` on; `read` is called unless another reader's are here, or on their way. */
  take(
    { file, position, size }: { file: string; position: number; size: number },
    read: () => Promise<Uint8Array>,
  ): Promise<Uint8Array> {
    const key = `${position}+${size} ${file}`;
    const known = this.#blocks.get(key);
    if (known) return known.bytes;
    const bytes = read();
    if (this.readersOf(file) < 2) return bytes;
    this.#blocks.set(key, { file, size, bytes });
    this.#bytes += size;
    // A read that failed is tried again by whoever wants it next.
    bytes.catch(() => this.#forget(key));
    for (const [oldest] of this.#blocks) {
      if (this.#bytes <= this.#mostBytes) break;
      this.#forget(oldest);
    }
    return bytes;
  }

  #forget(key: string): void {
    this.#bytes -= this.#blocks.get(key)?.size ?? 0;
    this.#blocks.delete(key);
  }
}
