import type { ObjectStore } from '@oci/cache';
import { LRUCache } from 'lru-cache';

import { readJson } from './json-object.js';

/** Records that are kept parsed. */
const most = 10_000;

interface Known {
  readonly version: string;
  readonly value: unknown;
}

/**
 * Small JSON objects of a store, parsed once for each version: whoever replaced or removed one, also another
 * process, it is noticed at the next reading.
 */
export class RecordMemory {
  readonly #store: ObjectStore;
  readonly #known = new LRUCache<string, Known>({ max: most });

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** Undefined when there is none, or it is damaged. */
  async get<T>(key: string): Promise<T | undefined> {
    const known = this.#known.get(key);
    if (known) {
      const info = await this.#store.head(key);
      if (info?.version === known.version) return known.value as T;
      this.#known.delete(key);
      if (!info) return undefined;
    }
    const object = await this.#store.get(key);
    if (!object) return undefined;
    const value = (await readJson(object.body, key)) as T | undefined;
    this.#known.set(key, { version: object.info.version, value });
    return value;
  }
}
