import { type FileHandle, rename, rm } from 'node:fs/promises';

import type { Descriptor } from '@oci/spec-types';
import { onStorage, openOwnFile } from '@oci/files';

import type { FilePlace, TakeWorker } from '../transport/worker/file-place.js';
import { type BlobHash, LocalHash, WorkerHash, changedMeanwhile } from './blob-hash.js';
import { ByteSpans, type Span } from './byte-spans.js';
import { Journal } from './journal.js';

/** Where the bytes of a file are until it is whole; all names begin with its own. */
function pathsOf(path: string): Readonly<Record<'partial' | 'journal' | 'wrong', string>> {
  return { partial: `${path}.partial`, journal: `${path}.journal`, wrong: `${path}.wrong` };
}

/** Removes what was downloaded of a file so far. */
export async function discardPartial(path: string): Promise<void> {
  for (const file of Object.values(pathsOf(path))) await rm(file, { force: true });
}

/**
 * A file that is written in any order, by this thread or by workers, and hashed in its own: each byte once, from
 * memory when it comes in order, otherwise read back as soon as none before it is missing. So the hash is ready with
 * the last byte. A byte that is there is never written again: what was hashed is what the file holds.
 */
export class PartialFile {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #journal: Journal;
  readonly #takeWorker: TakeWorker | undefined;
  readonly #hash: BlobHash;
  readonly #blob: Descriptor;
  /** What is there or being written. */
  readonly #claimed: ByteSpans;

  private constructor(
    path: string,
    blob: Descriptor,
    { file, journal }: { file: FileHandle; journal: Journal },
    takeWorker: TakeWorker | undefined,
  ) {
    this.#path = path;
    this.#blob = blob;
    this.#file = file;
    this.#journal = journal;
    this.#claimed = new ByteSpans(journal.spans);
    this.#takeWorker = takeWorker;
    const hashed = { path, file, blob };
    const worker = takeWorker?.();
    this.#hash = worker ? new WorkerHash(hashed, worker) : new LocalHash(hashed);
    this.#hash.follow(this.prefix);
  }

  /** @param takeWorker for workers that write and hash it @throws OciError `STORAGE_DENIED`, `STORAGE_FAILED` */
  static open(path: string, blob: Descriptor, takeWorker?: TakeWorker): Promise<PartialFile> {
    return onStorage({ path }, () => PartialFile.#open(path, blob, takeWorker));
  }

  static async #open(
    path: string,
    blob: Descriptor,
    takeWorker: TakeWorker | undefined,
  ): Promise<PartialFile> {
    const { partial, journal: journalPath } = pathsOf(path);
    let journal = await Journal.open(journalPath, blob);
    const file = await openOwnFile(partial);
    try {
      const { size } = await file.stat();
      if (journal.spans.end > size) {
        // A journal without its file, as after a clean-up, tells of bytes that are not there.
        await journal.remove();
        journal = await Journal.open(journalPath, blob);
      }
      // What is behind the last known byte is of another blob, or was not noted.
      if (size > journal.spans.end) await file.truncate(journal.spans.end);
      if (takeWorker) await journal.begin();
      return new PartialFile(path, blob, { file, journal }, takeWorker);
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

  gaps(): readonly Span[] {
    return this.#journal.spans.gaps(this.#blob.size);
  }

  /** Writes chunks that follow each other, from `start`. @throws OciError `STORAGE_FULL`, `STORAGE_FAILED` */
  async write(start: number, chunks: readonly Uint8Array[]): Promise<void> {
    const size = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
    const span = { start, end: start + size };
    const wanted = this.#claimed.missingOf(span);
    this.#claimed.add(span);
    await onStorage({ path: this.#path, neededBytes: size }, async () => {
      for (const part of wanted) await this.#writePart(part, slice(chunks, start, part));
    });
  }

  /**
   * The place of bytes that a worker writes: nobody else writes those.
   *
   * @returns undefined when this thread writes all
   */
  place(segment: { readonly position: number; readonly end: number }): FilePlace | undefined {
    const { position } = segment;
    const { descriptor: journal } = this.#journal;
    const hash = this.#hash;
    if (!(hash instanceof WorkerHash) || journal === undefined) return undefined;
    return {
      path: this.#path,
      file: this.#file.fd,
      journal,
      position,
      get end() {
        return segment.end;
      },
      take: () => {
        const home = hash.place;
        if (!home || position === this.prefix) return home;
        const worker = this.#takeWorker?.();
        return worker && (worker === home.worker ? home : { worker, hash: undefined });
      },
    };
  }

  /** Notes what a worker wrote, and noted in the journal. */
  wrote(span: Span): void {
    this.#claimed.add(span);
    this.#journal.spans.add(span);
    this.#hash.follow(this.prefix);
  }

  /** @throws OciError `DIGEST_MISMATCH`, `SIZE_MISMATCH`, `STORAGE_FAILED` */
  async verify(): Promise<void> {
    await onStorage({ path: this.#path }, async () => {
      this.#hash.follow(this.prefix);
      await this.#hash.finish();
      const { size } = await this.#file.stat();
      if (size !== this.#blob.size) throw changedMeanwhile(this.#path);
    });
  }

  async close(): Promise<void> {
    await this.#hash.close();
    await Promise.all([this.#file.close(), this.#journal.close()]);
  }

  /** The file is whole: it gets its name, and nothing is to be gone on with. */
  async complete(): Promise<void> {
    const { partial, wrong } = pathsOf(this.#path);
    await onStorage({ path: this.#path }, async () => {
      await this.#hash.close();
      await this.#file.close();
      await rename(partial, this.#path).catch(async (error: unknown) => {
        await this.#journal.close();
        throw error;
      });
      await this.#journal.remove();
      await rm(wrong, { force: true });
    });
  }

  /** Puts wrong bytes aside, so that what comes next is written to other places of the disk. */
  async quarantine(): Promise<void> {
    const { partial, journal, wrong } = pathsOf(this.#path);
    await onStorage({ path: this.#path }, async () => {
      await rm(journal, { force: true });
      await rename(partial, wrong);
    });
  }

  async #writePart(part: Span, chunks: readonly Uint8Array[]): Promise<void> {
    const { start, end } = part;
    const writing = this.#file.writev(chunks, start);
    // While it is written. Should that fail, this file is closed, and the next hashes anew.
    this.#hash.offer(start, chunks);
    const { bytesWritten } = await writing;
    // A disk that is nearly full takes a part first, and says so at the next write.
    if (bytesWritten < end - start)
      await this.#writeRest(start, Buffer.concat(chunks), bytesWritten);
    await this.#journal.note(part);
    this.#hash.follow(this.prefix);
  }

  async #writeRest(start: number, bytes: Buffer, from: number): Promise<void> {
    for (let at = from; at < bytes.byteLength;) {
      const { bytesWritten } = await this.#file.write(bytes, at, undefined, start + at);
      at += bytesWritten;
    }
  }
}

/** The part of chunks that begin at `start`. */
function slice(chunks: readonly Uint8Array[], start: number, part: Span): readonly Uint8Array[] {
  const size = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
  if (part.start === start && part.end === start + size) return chunks;
  return [Buffer.concat(chunks).subarray(part.start - start, part.end - start)];
}
