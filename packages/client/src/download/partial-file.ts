import { type FileHandle, open } from 'node:fs/promises';

import type { Descriptor } from '@oci/spec-types';
import { Verifier, onStorage } from '@oci/spec-types/node';

import type { Span } from './byte-spans.js';
import { Journal } from './journal.js';

/** Bytes that are read back at once. */
const blockSize = 1024 * 1024;

/**
 * A file that is written in any order and hashed in its own: each byte once, from memory when it comes
 * in order, otherwise read back as soon as none before it is missing. So the hash is ready with the last
 * byte.
 */
export class PartialFile {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #journal: Journal;
  readonly #verifier: Verifier;
  #hashing: Promise<void> | undefined;

  private constructor(path: string, file: FileHandle, journal: Journal, blob: Descriptor) {
    this.#path = path;
    this.#file = file;
    this.#journal = journal;
    this.#verifier = new Verifier(blob);
  }

  /** @throws OciError `STORAGE_DENIED`, `STORAGE_FAILED` */
  static open(path: string, blob: Descriptor): Promise<PartialFile> {
    return onStorage({ path }, () => PartialFile.#open(path, blob));
  }

  static async #open(path: string, blob: Descriptor): Promise<PartialFile> {
    const file = await openOrCreate(path);
    try {
      const { size } = await file.stat();
      const journal = await Journal.open(path, blob);
      if (journal.spans.end <= size) return new PartialFile(path, file, journal, blob);
      // A journal without its file, as after a clean-up, tells of bytes that are not there.
      await journal.remove();
      return new PartialFile(path, file, await Journal.open(path, blob), blob);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Bytes that are here. */
  get done(): number {
    return this.#journal.spans.size;
  }

  /** Up to where no byte is missing. */
  get prefix(): number {
    return this.#journal.spans.prefix;
  }

  gaps(size: number): readonly Span[] {
    return this.#journal.spans.gaps(size);
  }

  /** Writes chunks that follow each other, from `start`. @throws OciError `STORAGE_FULL`, `STORAGE_FAILED` */
  async write(start: number, chunks: readonly Uint8Array[]): Promise<void> {
    const size = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
    await onStorage({ path: this.#path, neededBytes: size }, async () => {
      const { bytesWritten } = await this.#file.writev(chunks, start);
      // A disk that is nearly full takes a part first, and says so at the next write.
      if (bytesWritten < size) await this.#writeRest(start, Buffer.concat(chunks), bytesWritten);
      await this.#journal.note({ start, end: start + size });
    });
    if (start === this.#verifier.size && !this.#hashing) {
      for (const chunk of chunks) this.#verifier.update(chunk);
    }
    this.#followUp();
  }

  /** @throws OciError `DIGEST_MISMATCH`, `SIZE_MISMATCH` */
  async verify(): Promise<void> {
    this.#followUp();
    await this.#hashing;
    this.#verifier.finish();
  }

  async close(): Promise<void> {
    await this.#hashing?.catch(() => {});
    await Promise.all([this.#file.close(), this.#journal.close()]);
  }

  /** The file is whole: nothing is to be gone on with. */
  async complete(): Promise<void> {
    await this.#file.close();
    await this.#journal.remove();
  }

  async #writeRest(start: number, bytes: Buffer, from: number): Promise<void> {
    for (let at = from; at < bytes.byteLength;) {
      const { bytesWritten } = await this.#file.write(bytes, at, undefined, start + at);
      at += bytesWritten;
    }
  }

  #followUp(): void {
    if (this.#hashing || this.#verifier.size >= this.prefix) return;
    this.#hashing = this.#readBack().finally(() => {
      this.#hashing = undefined;
    });
    // Told by `verify`, or by the next one that fails to read.
    this.#hashing.catch(() => {});
  }

  async #readBack(): Promise<void> {
    const block = Buffer.allocUnsafe(blockSize);
    while (this.#verifier.size < this.prefix) {
      const at = this.#verifier.size;
      const length = Math.min(blockSize, this.prefix - at);
      const { bytesRead } = await this.#file.read(block, 0, length, at);
      if (bytesRead === 0) return;
      this.#verifier.update(block.subarray(0, bytesRead));
    }
  }
}

async function openOrCreate(path: string): Promise<FileHandle> {
  return open(path, 'r+').catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return open(path, 'wx+', 0o644);
  });
}
