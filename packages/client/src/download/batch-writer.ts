import type { PartialFile } from './partial-file.js';

/** Bytes that all connections of a blob gather together before they are written; so much is lost by a kill. */
const gatheredBytes = 1536 * 1024;

/** What one of several connections gathers before it is written, in bytes. */
export function batchSize(connections: number): number {
  const share = Math.floor(gatheredBytes / Math.max(1, connections));
  return Math.min(512 * 1024, Math.max(128 * 1024, share));
}

/**
 * Gathers bytes that follow each other and writes them in batches, one while the next is gathered. No more
 * than two are held: who adds waits for the disk.
 */
export class BatchWriter {
  readonly #file: PartialFile;
  readonly #onWritten: () => void;
  readonly #batchBytes: () => number;
  #start: number;
  #chunks: Uint8Array[] = [];
  #size = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(
    file: PartialFile,
    start: number,
    { onWritten, batchBytes }: { onWritten: () => void; batchBytes: () => number },
  ) {
    this.#file = file;
    this.#start = start;
    this.#onWritten = onWritten;
    this.#batchBytes = batchBytes;
  }

  /** @throws OciError `STORAGE_FULL`, `STORAGE_FAILED`, of this batch or the one before */
  async add(chunk: Uint8Array): Promise<void> {
    if (chunk.byteLength === 0) return;
    this.#chunks.push(chunk);
    this.#size += chunk.byteLength;
    if (this.#size >= this.#batchBytes()) await this.#begin();
  }

  /** Writes what is left. @throws OciError as {@link add} */
  async end(): Promise<void> {
    if (this.#size > 0) await this.#begin();
    await this.#writing;
  }

  async #begin(): Promise<void> {
    await this.#writing;
    const [chunks, start] = [this.#chunks, this.#start];
    this.#start += this.#size;
    this.#chunks = [];
    this.#size = 0;
    this.#writing = this.#write(start, chunks);
    // Told by the next batch, or at the end.
    this.#writing.catch(() => {});
  }

  async #write(start: number, chunks: readonly Uint8Array[]): Promise<void> {
    await this.#file.write(start, chunks);
    this.#onWritten();
  }
}
