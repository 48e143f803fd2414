import { randomBytes } from 'node:crypto';
import { basename, dirname, join } from 'node:path';

import {
  type CallOptions,
  type BlobDownloader,
  BlobProgress,
  type BlobSource,
  type Descriptor,
  OciError,
  SingleFlight,
  digestAlgorithm,
  digestEncoded,
  isOciError,
  throwIfAborted,
} from '@oci/spec-types';
import { onStorage, ownProcess, refuseLinks, withDirectoryBelow, withFileLock } from '@oci/files';

import type { ContentStore } from './content-store.js';
import { allocatedBytes, ensureFreeSpace } from './free-space.js';
import { partialKey, paths } from './cache-format.js';
import type { StoredBlob } from './stored-blob.js';

/** Where blobs come from: as files that are gone on with when they are large, else as streams. */
export type DownloadSource = BlobSource & Partial<BlobDownloader>;

/** How long a turn is waited for, in milliseconds: those of a registry that does not answer are long. */
const turnMs = 10_000;
/** Bytes. A smaller blob comes as a stream: it is not worth a journal. */
const resumableFrom = 1024 * 1024;

/**
 * Brings blobs into the cache, each by one download among all calls and processes: the others wait
 * for it, and one of them goes on with it when whoever downloads dies.
 */
export class Downloads {
  readonly #dir: string;
  readonly #content: ContentStore;
  readonly #flights: SingleFlight<StoredBlob> = new SingleFlight();

  constructor(dir: string, content: ContentStore) {
    this.#dir = dir;
    this.#content = content;
  }

  /**
   * The blob from the cache, else downloaded. What an interrupted download brought stays in `partial/`,
   * and the next one goes on from there.
   *
   * @throws OciError `STORAGE_FULL` before anything is asked for when there is no room, and as `source` does
   */
  async obtain(
    descriptor: Descriptor,
    source: DownloadSource,
    options: CallOptions = {},
  ): Promise<StoredBlob> {
    const { signal, onEvent } = options;
    let isMine = false;
    const work = (signal: AbortSignal): Promise<StoredBlob> => {
      isMine = true;
      return this.#lockedly(descriptor, source, { signal, onEvent });
    };
    const flight = this.#flights.do(descriptor.digest, work, signal ? { signal } : {});
    if (!isMine) onEvent?.({ type: 'joined', digest: descriptor.digest, size: descriptor.size });
    return flight;
  }

  /**
   * Refuses blobs that there is no room for.
   *
   * @throws OciError `STORAGE_FULL`
   */
  async ensureSpace(blobs: readonly Descriptor[]): Promise<void> {
    let needed = 0;
    for (const blob of blobs) needed += blob.size - (await allocatedBytes(this.#partial(blob)));
    if (needed > 0) await ensureFreeSpace(this.#dir, needed);
  }

  /**
   * Runs work that others do too, one after the other, so that the later find what the first brought. Where
   * no lock can be had in time, or at all, it runs beside theirs.
   *
   * @param name of a file
   */
  async inTurn<T>(name: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    let hasBegun = false;
    const once = (): Promise<T> => {
      hasBegun = true;
      return work();
    };
    try {
      return await withFileLock(this.#lockOf(name), once, {
        signal,
        patienceMs: turnMs,
        trash: this.#newTrash(),
      });
    } catch (error) {
      const isLock =
        !hasBegun && isOciError(error, 'STORAGE_FAILED', 'STORAGE_DENIED', 'STORAGE_FULL');
      if (isLock) return await work();
      throw error;
    }
  }

  async #lockedly(
    descriptor: Descriptor,
    source: DownloadSource,
    options: CallOptions,
  ): Promise<StoredBlob> {
    const { digest, size } = descriptor;
    const lock = this.#lockOf(`${digestAlgorithm(digest)}-${digestEncoded(digest)}`);
    return withFileLock(
      lock,
      async () =>
        (await this.#content.get(descriptor, options)) ??
        (await this.#download(descriptor, source, options)),
      {
        signal: options.signal,
        patienceMs: Infinity,
        trash: this.#newTrash(),
        onWait: () => options.onEvent?.({ type: 'joined', digest, size }),
      },
    );
  }

  #lockOf(name: string): string {
    const path = join(this.#dir, paths.downloadLocks, name);
    refuseLinks(this.#dir, path);
    return path;
  }

  #newTrash(): string {
    return join(this.#dir, paths.temporary, `${ownProcess}-${randomBytes(12).toString('hex')}`);
  }

  async #download(
    descriptor: Descriptor,
    source: DownloadSource,
    options: CallOptions,
  ): Promise<StoredBlob> {
    throwIfAborted(options.signal);
    await this.ensureSpace([descriptor]);
    const progress = new BlobProgress(descriptor, options.onEvent);
    const below = { ...options, onEvent: progress.below() };
    progress.start();
    const stored =
      source.downloadBlob && descriptor.size >= resumableFrom
        ? await this.#downloadFile(descriptor, source as BlobDownloader, below)
        : await this.#downloadStream(descriptor, source, { ...below, progress });
    progress.done();
    return stored;
  }

  async #downloadFile(
    descriptor: Descriptor,
    source: BlobDownloader,
    options: CallOptions,
  ): Promise<StoredBlob> {
    const path = this.#partial(descriptor);
    return onStorage({ path }, () =>
      withDirectoryBelow(this.#dir, dirname(partialKey(descriptor.digest)), async (directory) => {
        const target = join(directory, basename(path));
        return this.#content.adopt(await source.downloadBlob(descriptor, target, options));
      }),
    );
  }

  async #downloadStream(
    descriptor: Descriptor,
    source: BlobSource,
    { progress, ...options }: CallOptions & { readonly progress: BlobProgress },
  ): Promise<StoredBlob> {
    const body = progress.of(await source.fetchBlob(descriptor, options));
    await this.#content.pushBlob(descriptor, body, options);
    const stored = await this.#content.get(descriptor, options);
    if (stored) return stored;
    throw new OciError(
      'STORAGE_FAILED',
      `${descriptor.digest} is damaged right after it was written to ${this.#dir}`,
      { hint: 'The disk may be failing.' },
    );
  }

  #partial({ digest }: Descriptor): string {
    return join(this.#dir, partialKey(digest));
  }
}
