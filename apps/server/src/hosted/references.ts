import type { ObjectStore } from '@oci/cache';
import { type CallOptions, type Digest, throwIfAborted } from '@oci/spec-types';

import { digestOfKey, keys, repositoryOfKey } from './keys.js';

/** Digests that are compared at once with all references there are. */
const batchSize = 100_000;

/** Finds the blobs and manifests of repositories that content is referred to by. */
export class References {
  readonly #store: ObjectStore;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  async isReferenced(digest: Digest): Promise<boolean> {
    for await (const key of this.#store.list(keys.names)) {
      const name = repositoryOfKey(key);
      if (await this.#store.head(keys.membership(name, digest))) return true;
      if (await this.#store.head(keys.manifest(name, digest))) return true;
    }
    return false;
  }

  /** Content that was not referred to while all references were read; another may have come since. */
  async *unreferenced(options: CallOptions = {}): AsyncGenerator<Digest, void, undefined> {
    // A directory without repositories is one that is being restored.
    const names = this.#store.list(keys.names)[Symbol.asyncIterator]();
    const hasNames = !(await names.next()).done;
    await names.return?.();
    if (!hasNames) return;
    for (let after: string | undefined; ;) {
      const batch = new Set<Digest>();
      for await (const key of this.#store.list(keys.blobs, { ...options, after })) {
        const digest = digestOfKey(key);
        if (digest) batch.add(digest);
        after = key;
        if (batch.size === batchSize) break;
      }
      if (batch.size === 0) return;
      for await (const key of this.#store.list(keys.repositories, options)) {
        const digest = digestOfKey(key);
        if (digest) batch.delete(digest);
      }
      throwIfAborted(options.signal);
      yield* batch;
    }
  }
}
