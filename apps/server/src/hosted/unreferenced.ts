import type { ObjectStore } from '@oci/cache';
import { type CallOptions, throwIfAborted } from '@oci/spec-types';

import type { HostedBlobs } from './blobs.js';
import { type ContentRecord, maxStagedMs } from './content-index.js';
import { digestOfContentKey, idOfDataKey, keys } from './keys.js';
import type { Links } from './links.js';
import type { Records } from './records.js';
import type { Repositories } from './repositories.js';
import type { UploadRecord } from './upload-record.js';

/** Data that is compared at once with all records there are. */
const batchSize = 100_000;

export interface UnreferencedParts {
  readonly store: ObjectStore;
  readonly records: Records;
  readonly blobs: HostedBlobs;
  readonly links: Links;
  readonly repositories: Repositories;
}

/** Removes what an end in the middle of a push or a deletion left. */
export class Unreferenced {
  readonly #parts: UnreferencedParts;

  constructor(parts: UnreferencedParts) {
    this.#parts = parts;
  }

  /** @param options.now milliseconds since the epoch, by which data is old or not */
  async remove({
    now = Date.now(),
    ...options
  }: CallOptions & { now?: number } = {}): Promise<void> {
    for await (const name of this.#parts.repositories.list()) {
      throwIfAborted(options.signal);
      await this.#parts.repositories.removeEmpty(name);
    }
    await this.#removeContent(options);
    await this.#removeData({ ...options, olderThan: now - 2 * maxStagedMs });
  }

  /** Content that no repository has. */
  async #removeContent(options: CallOptions): Promise<void> {
    const { records, blobs, links } = this.#parts;
    for await (const { key } of records.entries(keys.allContent, options)) {
      const digest = digestOfContentKey(key);
      if (digest && !(await links.isReferenced(digest))) await blobs.removeUnreferenced(digest);
      throwIfAborted(options.signal);
    }
  }

  /** Data that is no content, and no piece of an upload. */
  async #removeData({ olderThan, ...options }: CallOptions & { olderThan: number }): Promise<void> {
    const { store } = this.#parts;
    for (let after: string | undefined; ;) {
      const batch = new Set<string>();
      let isLast = true;
      for await (const entry of store.entries(keys.allData, { ...options, after })) {
        after = entry.key;
        if (entry.modifiedAt < olderThan) batch.add(idOfDataKey(entry.key));
        isLast = batch.size < batchSize;
        if (!isLast) break;
      }
      if (batch.size > 0) {
        // A piece becomes content before its session ends, so that sessions come first.
        for await (const record of this.#read<UploadRecord>(keys.uploads, options))
          for (const [data] of record.pieces) batch.delete(data);
        for await (const { data } of this.#read<ContentRecord>(keys.allContent, options))
          batch.delete(data);
        for (const data of batch) await store.delete(keys.data(data));
      }
      if (isLast) return;
    }
  }

  async *#read<T>(prefix: string, options: CallOptions): AsyncGenerator<T, void, undefined> {
    const { records } = this.#parts;
    for await (const { key } of records.entries(prefix, options)) {
      throwIfAborted(options.signal);
      const record = await records.get<T>(key);
      if (record) yield record;
    }
  }
}
