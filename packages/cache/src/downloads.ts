import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import {
  type BlobDownloader,
  type BlobSource,
  type Descriptor,
  OciError,
  annotations,
  digestAlgorithm,
  digestEncoded,
  throwIfAborted,
} from '@oci/spec-types';
import { onStorage, retireFileLock, withFileLock } from '@oci/spec-types/node';

import type { ContentOptions, ContentStore } from './content-store.js';
import { allocatedBytes, ensureFreeSpace } from './free-space.js';
import { partialKey } from './layout.js';
import { SingleFlight } from './single-flight.js';
import type { StoredBlob } from './stored-blob.js';

/** Where blobs come from: as files that are gone on with when they are large, else as streams. */
export type DownloadSource = BlobSource & Partial<BlobDownloader>;

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
    options: ContentOptions = {},
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

  async #lockedly(
    descriptor: Descriptor,
    source: DownloadSource,
    options: ContentOptions,
  ): Promise<StoredBlob> {
    const { digest, size } = descriptor;
    const name = `${digestAlgorithm(digest)}-${digestEncoded(digest)}`;
    const lock = join(this.#dir, '.locks', 'downloads', name);
    const stored = await withFileLock(
      lock,
      async () =>
        (await this.#content.get(descriptor, options)) ??
        (await this.#download(descriptor, source, options)),
      {
        signal: options.signal,
        patienceMs: Infinity,
        onWait: () => options.onEvent?.({ type: 'joined', digest, size }),
      },
    );
    const trash = join(this.#dir, '.tmp', `${process.pid}-${randomBytes(12).toString('hex')}`);
    await retireFileLock(lock, trash).catch(() => {});
    return stored;
  }

  async #download(
    descriptor: Descriptor,
    source: DownloadSource,
    options: ContentOptions,
  ): Promise<StoredBlob> {
    throwIfAborted(options.signal);
    await this.ensureSpace([descriptor]);
    const { digest, size } = descriptor;
    const title = descriptor.annotations?.[annotations.title];
    options.onEvent?.({ type: 'start', digest, size, ...(title !== undefined && { title }) });
    const stored =
      source.downloadBlob && size >= resumableFrom
        ? await this.#downloadFile(descriptor, source as BlobDownloader, options)
        : await this.#downloadStream(descriptor, source, options);
    options.onEvent?.({ type: 'done', digest, size });
    return stored;
  }

  async #downloadFile(
    descriptor: Descriptor,
    source: BlobDownloader,
    options: ContentOptions,
  ): Promise<StoredBlob> {
    const path = this.#partial(descriptor);
    await onStorage({ path }, () => mkdir(dirname(path), { recursive: true }));
    return this.#content.adopt(await source.downloadBlob(descriptor, path, options));
  }

  async #downloadStream(
    descriptor: Descriptor,
    source: BlobSource,
    options: ContentOptions,
  ): Promise<StoredBlob> {
    const body = reported(await source.fetchBlob(descriptor, options), descriptor, options);
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

async function* reported(
  body: AsyncIterable<Uint8Array>,
  { digest, size }: Descriptor,
  { onEvent }: ContentOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  let done = 0;
  for await (const chunk of body) {
    done += chunk.byteLength;
    onEvent?.({ type: 'bytes', digest, done, size });
    yield chunk;
  }
}
