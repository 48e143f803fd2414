import { type ManagerMetrics, OciManager, type OciManagerOptions } from '@oci/manager';

/** A manager that several calls use, closed when it was replaced and the last of them has ended. */
class UsedManager {
  readonly manager: OciManager;
  #calls = 0;
  #onIdle: (() => void) | undefined;

  constructor(options: OciManagerOptions) {
    this.manager = new OciManager(options);
  }

  async use<T>(work: (manager: OciManager) => T | Promise<T>): Promise<T> {
    this.#calls += 1;
    try {
      return await work(this.manager);
    } finally {
      this.#calls -= 1;
      if (this.#calls === 0) this.#onIdle?.();
    }
  }

  async idle(): Promise<void> {
    if (this.#calls > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
  }
}

/** The manager of the present configuration. Calls end with the one that they began with. */
export class SharedManager {
  #current: UsedManager | undefined;
  readonly #replaced = new Set<UsedManager>();
  readonly #ended: ManagerMetrics[] = [];
  readonly #options: () => OciManagerOptions;

  /** @param options asked for when a manager is needed */
  constructor(options: () => OciManagerOptions) {
    this.#options = options;
  }

  use<T>(work: (manager: OciManager) => T | Promise<T>): Promise<T> {
    return this.#open().use(work);
  }

  /** Makes one for other options. @throws OciError, and nothing has changed */
  replace(options: OciManagerOptions): void {
    const next = new UsedManager(options);
    const before = this.#current;
    this.#current = next;
    if (before) void this.#retire(before);
  }

  /** Figures of all managers so far. */
  metrics(): ManagerMetrics {
    const used = [...this.#replaced, this.#open()].map(({ manager }) => manager.metrics());
    return [...this.#ended, ...used].reduce(together);
  }

  /** Managers that are not closed yet. */
  get openCount(): number {
    return this.#replaced.size + (this.#current ? 1 : 0);
  }

  /** Calls that run are not waited for. */
  async close(): Promise<void> {
    const all = [...this.#replaced, ...(this.#current ? [this.#current] : [])];
    await Promise.all(all.map(({ manager }) => manager.close()));
  }

  #open(): UsedManager {
    this.#current ??= new UsedManager(this.#options());
    return this.#current;
  }

  async #retire(used: UsedManager): Promise<void> {
    this.#replaced.add(used);
    await used.idle();
    await used.manager.close();
    this.#replaced.delete(used);
    const earlier = this.#ended.splice(0);
    this.#ended.push([...earlier, used.manager.metrics()].reduce(together));
  }
}

/** What two managers did; of what is in memory only the later one has something. */
function together(before: ManagerMetrics, after: ManagerMetrics): ManagerMetrics {
  const pulls = before.pulls + after.pulls;
  const cacheHits = before.cacheHits + after.cacheHits;
  const downloads = before.downloads + after.downloads;
  const downloadTimeMs = before.downloadTimeMs + after.downloadTimeMs;
  const [old, memory] = [before.manifestCache, after.manifestCache];
  return {
    pulls,
    pullFailures: before.pullFailures + after.pullFailures,
    cacheHits,
    cacheMisses: before.cacheMisses + after.cacheMisses,
    cacheHitRate: pulls === 0 ? 0 : cacheHits / pulls,
    downloads,
    downloadTimeMs,
    averageDownloadMs: downloads === 0 ? 0 : downloadTimeMs / downloads,
    bytesDownloaded: before.bytesDownloaded + after.bytesDownloaded,
    tagsMoved: before.tagsMoved + after.tagsMoved,
    staleAnswers: before.staleAnswers + after.staleAnswers,
    blobsDamaged: before.blobsDamaged + after.blobsDamaged,
    trustWarnings: before.trustWarnings + after.trustWarnings,
    manifestCache: {
      hits: old.hits + memory.hits,
      misses: old.misses + memory.misses,
      evictions: old.evictions + memory.evictions,
      entries: memory.entries,
      bytes: memory.bytes,
    },
  };
}
