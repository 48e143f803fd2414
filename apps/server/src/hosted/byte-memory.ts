/** Bytes by key, up to a number of bytes in all; what was not used for longest makes room. */
export class ByteMemory {
  readonly #entries = new Map<string, Uint8Array>();
  readonly #most: number;
  #size = 0;

  /** @param most bytes of all entries */
  constructor(most: number) {
    this.#most = most;
  }

  get(key: string): Uint8Array | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    // A map keeps the order in which entries were set.
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry;
  }

  set(key: string, bytes: Uint8Array): void {
    this.delete(key);
    if (bytes.byteLength > this.#most) return;
    this.#entries.set(key, bytes);
    this.#size += bytes.byteLength;
    for (const [oldest] of this.#entries) {
      if (this.#size <= this.#most) break;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    this.#size -= this.#entries.get(key)?.byteLength ?? 0;
    this.#entries.delete(key);
  }
}
