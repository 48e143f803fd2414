import type { RegistryHost, RepositoryName, ResolvedManifest } from '@oci/spec-types';
import { LRUCache } from 'lru-cache';

/** The guide's `{name}:{version}`, told apart by registry. */
export interface ManifestKey {
  readonly registry: RegistryHost;
  readonly repository: RepositoryName;
  /** A tag or digest. */
  readonly reference: string;
}

export interface ManifestLruOptions {
  /** Default 100. */
  readonly maxEntries?: number | undefined;
  /** Bytes of all manifests. Default 64 MiB. */
  readonly maxBytes?: number | undefined;
}

export interface ManifestLruStats {
  readonly hits: number;
  readonly misses: number;
  /** Entries that made room for others. */
  readonly evictions: number;
  /** Entries now. */
  readonly size: number;
  /** Bytes of all manifests now. */
  readonly bytes: number;
}

/** Manifests in memory; the one that was not used for longest goes first. */
export class ManifestLru {
  readonly #entries: LRUCache<string, ResolvedManifest>;
  #hits = 0;
  #misses = 0;
  #evictions = 0;

  constructor({ maxEntries = 100, maxBytes = 64 * 1024 * 1024 }: ManifestLruOptions = {}) {
    this.#entries = new LRUCache({
      max: maxEntries,
      maxSize: maxBytes,
      sizeCalculation: (manifest) => Math.max(1, manifest.bytes.byteLength),
      dispose: (_value, _key, reason) => {
        if (reason === 'evict') this.#evictions += 1;
      },
    });
  }

  get(key: ManifestKey): ResolvedManifest | undefined {
    const manifest = this.#entries.get(textOf(key));
    if (manifest) this.#hits += 1;
    else this.#misses += 1;
    return manifest;
  }

  set(key: ManifestKey, manifest: ResolvedManifest): void {
    this.#entries.set(textOf(key), manifest);
  }

  delete(key: ManifestKey): void {
    this.#entries.delete(textOf(key));
  }

  clear(): void {
    this.#entries.clear();
  }

  get stats(): ManifestLruStats {
    return {
      hits: this.#hits,
      misses: this.#misses,
      evictions: this.#evictions,
      size: this.#entries.size,
      bytes: this.#entries.calculatedSize,
    };
  }
}

function textOf({ registry, repository, reference }: ManifestKey): string {
  return `${registry}/${repository} ${reference}`;
}
