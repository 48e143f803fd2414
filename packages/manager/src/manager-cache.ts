import { type Cache, ManifestLru, openCache } from '@oci/cache';
import { onceDone } from '@oci/spec-types';

import { ManifestLookup } from './manifest-lookup.js';
import type { ManifestName } from './manifest-name.js';
import type { PullCounters } from './metrics.js';
import type { OciManagerOptions } from './oci-manager-options.js';
import type { RegistrySet } from './registry-set.js';

export interface OpenedCache {
  readonly cache: Cache;
  readonly lookup: ManifestLookup;
}

/** The cache of a manager: manifests in memory, and a directory that the first call opens that needs it. */
export class ManagerCache {
  readonly memory: ManifestLru;
  readonly #options: OciManagerOptions;
  readonly #counters: PullCounters;
  readonly #registries: RegistrySet;
  readonly #opened = onceDone(() => this.#open());

  constructor(
    options: OciManagerOptions,
    parts: { readonly counters: PullCounters; readonly registries: RegistrySet },
  ) {
    this.memory = new ManifestLru(options.manifestCache);
    this.#options = options;
    this.#counters = parts.counters;
    this.#registries = parts.registries;
  }

  /** @throws OciError `STORAGE_…`; the next call tries again */
  open(): Promise<OpenedCache> {
    return this.#opened();
  }

  /** Opens the directory to look at only: a missing one is as an empty one. */
  look(): Promise<Cache> {
    return openCache(this.#options.cacheDir, { make: false });
  }

  async #open(): Promise<OpenedCache> {
    const counters = this.#counters;
    const cache = await openCache(this.#options.cacheDir, {
      fsync: this.#options.fsync,
      onDamage: () => counters.damaged(),
    });
    const connect = ({ registry, repository }: Pick<ManifestName, 'registry' | 'repository'>) =>
      this.#registries.source(registry).repository(repository);
    const listener = { onMoved: () => counters.moved(), onStale: () => counters.stale() };
    return { cache, lookup: new ManifestLookup({ cache, memory: this.memory, connect, listener }) };
  }
}
