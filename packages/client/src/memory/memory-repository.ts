import type { CallOptions, Descriptor, Digest } from '@oci/spec-types';
import { OciError, throwIfAborted } from '@oci/spec-types';
import { readBytes } from '@oci/spec-types/node';

import { type LayoutIndex, emptyLayoutIndex } from '../layout/layout-index.js';
import { LayoutRepository } from '../layout/layout-repository.js';
import type { LayoutStorage } from '../layout/layout-storage.js';

/** A repository of this process, for tests and for artifacts that are made and pushed at once. */
export class MemoryRepository extends LayoutRepository {
  constructor() {
    super(new MemoryStorage());
  }
}

class MemoryStorage implements LayoutStorage {
  readonly name: string = 'the repository in memory';
  readonly #blobs = new Map<Digest, Uint8Array>();
  #index: LayoutIndex = emptyLayoutIndex;

  async sizeOf(digest: Digest): Promise<number | undefined> {
    return this.#blobs.get(digest)?.byteLength;
  }

  async *read(
    digest: Digest,
    { signal }: CallOptions,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const bytes = this.#blobs.get(digest);
    if (!bytes) throw new OciError('BLOB_UNKNOWN', `${this.name} does not hold ${digest}`);
    for (let offset = 0; offset < bytes.byteLength; offset += chunkSize) {
      throwIfAborted(signal);
      yield bytes.subarray(offset, offset + chunkSize);
    }
  }

  async write(descriptor: Descriptor, body: AsyncIterable<Uint8Array>): Promise<void> {
    const bytes = await readBytes(body, { limit: descriptor.size, what: descriptor.digest });
    this.#blobs.set(descriptor.digest, new Uint8Array(bytes));
  }

  async remove(digest: Digest): Promise<void> {
    this.#blobs.delete(digest);
  }

  async readIndex(): Promise<LayoutIndex> {
    return this.#index;
  }

  async updateIndex(change: (index: LayoutIndex) => LayoutIndex): Promise<void> {
    this.#index = change(this.#index);
  }
}

const chunkSize = 256 * 1024;
