/** The guide's four metrics, and what they are computed from. */
export interface ManagerMetrics {
  /** Pulls that succeeded. */
  readonly pulls: number;
  readonly pullFailures: number;
  /** Pulls that needed no download. */
  readonly cacheHits: number;
  readonly cacheMisses: number;
  /** 0 to 1; 0 before the first pull. */
  readonly cacheHitRate: number;
  /** Pulls that downloaded something. */
  readonly downloads: number;
  /** Milliseconds of all pulls that downloaded something. */
  readonly downloadTimeMs: number;
  /** Milliseconds; 0 before the first download. */
  readonly averageDownloadMs: number;
  /** Bytes of blobs and manifests that came from registries. */
  readonly bytesDownloaded: number;
  /** Tags that pointed elsewhere than before. */
  readonly tagsMoved: number;
  /** Answers out of the cache because the registry gave none. */
  readonly staleAnswers: number;
  /** Artifacts that were used although they did not fulfil a trust rule whose mode is `warn`. */
  readonly trustWarnings: number;
  /** Cached blobs that turned out damaged, and were set aside. */
  readonly blobsDamaged: number;
  readonly manifestCache: {
    readonly hits: number;
    readonly misses: number;
    readonly entries: number;
    readonly bytes: number;
    /** Manifests that made room for others. */
    readonly evictions: number;
  };
}

/** Counts what a manager does. */
export class PullCounters {
  #pulls = 0;
  #pullFailures = 0;
  #cacheHits = 0;
  #downloads = 0;
  #downloadTimeMs = 0;
  #bytesDownloaded = 0;
  #tagsMoved = 0;
  #staleAnswers = 0;
  #blobsDamaged = 0;
  #trustWarnings = 0;

  addBytes(bytes: number): void {
    this.#bytesDownloaded += bytes;
  }

  pulled(result: { readonly fromCache: boolean; readonly elapsedMs: number }): void {
    this.#pulls += 1;
    if (result.fromCache) {
      this.#cacheHits += 1;
    } else {
      this.#downloads += 1;
      this.#downloadTimeMs += result.elapsedMs;
    }
  }

  moved(): void {
    this.#tagsMoved += 1;
  }

  stale(): void {
    this.#staleAnswers += 1;
  }

  damaged(): void {
    this.#blobsDamaged += 1;
  }

  mistrusted(): void {
    this.#trustWarnings += 1;
  }

  failed(): void {
    this.#pullFailures += 1;
  }

  snapshot(manifestCache: ManagerMetrics['manifestCache']): ManagerMetrics {
    return {
      pulls: this.#pulls,
      pullFailures: this.#pullFailures,
      cacheHits: this.#cacheHits,
      cacheMisses: this.#pulls - this.#cacheHits,
      cacheHitRate: this.#pulls === 0 ? 0 : this.#cacheHits / this.#pulls,
      downloads: this.#downloads,
      downloadTimeMs: this.#downloadTimeMs,
      averageDownloadMs: this.#downloads === 0 ? 0 : this.#downloadTimeMs / this.#downloads,
      bytesDownloaded: this.#bytesDownloaded,
      tagsMoved: this.#tagsMoved,
      staleAnswers: this.#staleAnswers,
      blobsDamaged: this.#blobsDamaged,
      trustWarnings: this.#trustWarnings,
      manifestCache,
    };
  }
}
