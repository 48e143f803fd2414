import { type Hash, createHash } from 'node:crypto';
import { readSync } from 'node:fs';

/** Bytes that are read back at once, and in one turn of the event loop: connections are served in between. */
const blockBytes = 256 * 1024;
const turnBytes = 1024 * 1024;

/** Read into by all hashes of the worker: each reading ends before the next begins. */
const block = Buffer.allocUnsafeSlow(blockBytes);

/** Hashes a file in order: the bytes that come next from memory, all others when they are read back. */
export class FileHash {
  readonly #file: number;
  readonly #hash: Hash;
  readonly #onDigest: (digest: string | undefined) => void;
  #size = 0;
  #prefix = 0;
  #wanted: number | undefined;
  #isReading = false;
  #isOver = false;

  constructor(
    { file, algorithm }: { readonly file: number; readonly algorithm: string },
    onDigest: (digest: string | undefined) => void,
  ) {
    this.#file = file;
    this.#hash = createHash(algorithm);
    this.#onDigest = onDigest;
  }

  /** Takes bytes that are about to be written, if they come next. */
  offer(bytes: Uint8Array, position: number): void {
    if (position !== this.#size || this.#isOver) return;
    this.#hash.update(bytes);
    this.#size += bytes.byteLength;
  }

  /** Notes that no byte before `prefix` is missing. */
  follow(prefix: number): void {
    this.#prefix = Math.max(this.#prefix, prefix);
    if (!this.#isReading) this.#read();
  }

  /** Tells the digest once `size` bytes are hashed. */
  finish(size: number): void {
    this.#wanted = size;
    this.follow(size);
  }

  /** Reads nothing any more. */
  forget(): void {
    this.#end(undefined);
  }

  #read(): void {
    this.#isReading = false;
    if (this.#isOver) return;
    try {
      const end = Math.min(this.#prefix, this.#size + turnBytes);
      while (this.#size < end) this.#readBlock(end);
    } catch {
      // The main thread hashes the file itself, and meets the failure again.
      return this.#end(undefined);
    }
    if (this.#size < this.#prefix) {
      this.#isReading = true;
      setImmediate(() => this.#read());
    } else if (this.#wanted !== undefined && this.#size >= this.#wanted) {
      this.#end(this.#hash.digest('hex'));
    }
  }

  #readBlock(end: number): void {
    const length = Math.min(blockBytes, end - this.#size);
    const count = readSync(this.#file, block, 0, length, this.#size);
    if (count === 0) throw new Error('the file was cut');
    this.#hash.update(block.subarray(0, count));
    this.#size += count;
  }

  #end(digest: string | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onDigest(digest);
  }
}
