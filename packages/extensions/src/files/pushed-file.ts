import { createReadStream } from 'node:fs';

import { type BlobProgress, OciError } from '@oci/spec-types';

import { type DescribedFile, snapshotOf } from './file-input.js';

/**
 * The bytes of a described file, read again when some were lost. As long as nobody has written to the file since it was
 * hashed, that hash is of these bytes and they need no other.
 */
export class PushedFile implements AsyncIterable<Uint8Array> {
  readonly isRepeatable = true;
  /** False for a file that changed before the push: whoever takes its bytes has to hash them. */
  readonly isVerified: boolean;
  readonly #file: DescribedFile;
  readonly #progress: BlobProgress;

  private constructor(file: DescribedFile, progress: BlobProgress, isVerified: boolean) {
    this.isVerified = isVerified;
    this.#file = file;
    this.#progress = progress;
  }

  static async open(file: DescribedFile, progress: BlobProgress): Promise<PushedFile> {
    const isVerified = (await snapshotOf(file.contentPath)) === file.snapshot;
    return new PushedFile(file, progress, isVerified);
  }

  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    return this.#progress.of(this.#bytes());
  }

  /** @throws OciError `DIGEST_MISMATCH` for a file that is written to while it is read */
  async *#bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    const { contentPath, path, snapshot, descriptor } = this.#file;
    yield* createReadStream(contentPath, { highWaterMark: 1024 * 1024 });
    if (!this.isVerified || (await snapshotOf(contentPath)) === snapshot) return;
    throw new OciError(
      'DIGEST_MISMATCH',
      `${path} changed while it was pushed as ${descriptor.digest}`,
      { hint: 'Push it again when nobody writes to it.' },
    );
  }
}
