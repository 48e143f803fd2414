import type { FileHandle } from 'node:fs/promises';

import { type Descriptor, OciError, digestAlgorithm, digestEncoded } from '@oci/spec-types';
import { shownPath } from '@oci/files';
import { Verifier } from '@oci/spec-types/node';

import type { DownloadWorker } from '../transport/worker/download-workers.js';
import type { PlaceWorker } from '../transport/worker/file-place.js';

/** Bytes that are read back at once. */
const blockSize = 1024 * 1024;

/** The file that is hashed. */
export interface HashedFile {
  readonly path: string;
  readonly file: FileHandle;
  readonly blob: Descriptor;
}

/** Hashes a file in its own order while it is written in any. */
export interface BlobHash {
  /** Takes chunks that are being written, if they come next. */
  offer(start: number, chunks: readonly Uint8Array[]): void;
  /** Notes that no byte before `prefix` is missing. */
  follow(prefix: number): void;
  /** @throws OciError `DIGEST_MISMATCH`, `SIZE_MISMATCH`, and what reading fails with */
  finish(): Promise<void>;
  /** Reads nothing any more. */
  close(): Promise<void>;
}

/** Hashes in this thread: from memory what comes in order, otherwise read back. */
export class LocalHash implements BlobHash {
  readonly #hashed: HashedFile;
  readonly #verifier: Verifier;
  #prefix = 0;
  #hashing: Promise<void> | undefined;

  constructor(hashed: HashedFile) {
    this.#hashed = hashed;
    this.#verifier = new Verifier(hashed.blob);
  }

  offer(start: number, chunks: readonly Uint8Array[]): void {
    if (start !== this.#verifier.size || this.#hashing) return;
    for (const chunk of chunks) this.#verifier.update(chunk);
  }

  follow(prefix: number): void {
    this.#prefix = Math.max(this.#prefix, prefix);
    if (this.#hashing || this.#verifier.size >= this.#prefix) return;
    this.#hashing = this.#readBack().finally(() => {
      this.#hashing = undefined;
    });
    // Told by `finish`, which tries once more.
    this.#hashing.catch(() => {});
  }

  async finish(): Promise<void> {
    this.follow(this.#prefix);
    await this.#hashing;
    this.#verifier.finish();
  }

  async close(): Promise<void> {
    await this.#hashing?.catch(() => {});
  }

  async #readBack(): Promise<void> {
    const { file, path } = this.#hashed;
    const block = Buffer.allocUnsafe(blockSize);
    while (this.#verifier.size < this.#prefix) {
      const at = this.#verifier.size;
      const length = Math.min(blockSize, this.#prefix - at);
      const { bytesRead } = await file.read(block, 0, length, at);
      if (bytesRead === 0) throw changedMeanwhile(path);
      this.#verifier.update(block.subarray(0, bytesRead));
    }
  }
}

/** Hashes in a worker, which does so as it writes. What it finds wrong is hashed once more here. */
export class WorkerHash implements BlobHash {
  readonly #hashed: HashedFile;
  readonly #worker: DownloadWorker;
  readonly #id: number;
  readonly #digest: Promise<string | undefined>;
  #told = 0;

  constructor(hashed: HashedFile, worker: DownloadWorker) {
    this.#hashed = hashed;
    this.#worker = worker;
    let settle: (digest: string | undefined) => void = () => {};
    this.#digest = new Promise((resolve) => (settle = resolve));
    const id = worker.listen((message) => {
      worker.unlisten(id);
      settle(message.type === 'digest' ? message.digest : undefined);
    });
    this.#id = id;
    const { fd: file } = hashed.file;
    worker.post(id, { type: 'hash', file, algorithm: digestAlgorithm(hashed.blob.digest) });
  }

  /** The worker, where it still runs. */
  get place(): PlaceWorker | undefined {
    return this.#worker.isLost ? undefined : { worker: this.#worker, hash: this.#id };
  }

  /** What this thread writes is read back. */
  offer(): void {}

  follow(prefix: number): void {
    if (prefix <= this.#told) return;
    this.#told = prefix;
    this.#worker.post(this.#id, { type: 'follow', prefix });
  }

  async finish(): Promise<void> {
    const { blob } = this.#hashed;
    this.#worker.post(this.#id, { type: 'digest', size: blob.size });
    if ((await this.#digest) === digestEncoded(blob.digest)) return;
    const again = new LocalHash(this.#hashed);
    again.follow(blob.size);
    await again.finish();
  }

  async close(): Promise<void> {
    this.#worker.post(this.#id, { type: 'forget' });
    await this.#digest;
  }
}

export function changedMeanwhile(path: string): OciError {
  return new OciError('SIZE_MISMATCH', `${shownPath(path)} changed while it was downloaded`, {
    hint: 'Something else writes there. Nothing was kept; try again.',
  });
}
