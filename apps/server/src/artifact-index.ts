import type { Artifact } from '@oci/manager';
import { OciError } from '@oci/spec-types';
import { LRUCache } from 'lru-cache';

import { unavailable } from './http/refusal.js';

/** What a namespace held when the registry was last asked. */
export interface IndexedNamespace {
  readonly artifacts: readonly Artifact[];
  /** Milliseconds since the epoch. */
  readonly indexedAt: number;
  /** Whether the registry could not be asked since. */
  readonly stale: boolean;
}

export interface ArtifactIndexOptions {
  readonly list: (namespace: string) => Promise<readonly Artifact[]>;
  /** How long an answer is believed, in milliseconds. Default 30 s. */
  readonly freshMs?: number | undefined;
  /** How long a caller waits for a listing, in milliseconds; it goes on behind. Default 10 s. */
  readonly patienceMs?: number | undefined;
  readonly onRefresh?: ((result: 'ok' | 'failed') => void) | undefined;
}

interface Entry {
  known: Omit<IndexedNamespace, 'stale'> | undefined;
  failed: boolean;
  /** Something was pushed or deleted here since the last listing began. */
  changed: boolean;
  refreshing: Promise<void> | undefined;
}

/** Namespaces that are remembered; anybody may ask for one that does not exist. */
const maxNamespaces = 200;
/** Listings that ask registries at the same time. */
const maxRefreshes = 2;

/**
 * The artifacts of namespaces, so that whoever lists does not wait for a request to every tag: what is
 * known is answered at once and refreshed behind, one listing for all who ask.
 */
export class ArtifactIndex {
  readonly #options: ArtifactIndexOptions;
  readonly #entries = new LRUCache<string, Entry>({ max: maxNamespaces });
  readonly #waiting: (() => void)[] = [];
  #refreshes = 0;

  constructor(options: ArtifactIndexOptions) {
    this.#options = options;
  }

  /** @throws what listing throws while nothing is known; Refusal 503 when the first one takes too long */
  async get(namespace: string, now: number = Date.now()): Promise<IndexedNamespace> {
    const entry = this.#entry(namespace);
    const { known } = entry;
    const isOld = !known || now - known.indexedAt > (this.#options.freshMs ?? 30_000);
    if (known && !entry.changed) {
      if (isOld) this.#refresh(namespace, entry).catch(() => {});
      return { ...known, stale: entry.failed };
    }
    const isInTime = await this.#settle(namespace, entry);
    if (entry.known) return { ...entry.known, stale: entry.failed || !isInTime };
    throw unavailable(`the artifacts of ${namespace} are being listed`, 5);
  }

  /** Something of a repository was pushed or deleted: its namespaces are listed again when asked for. */
  changed(repository: string): void {
    for (const [namespace, entry] of this.#entries) {
      if (repository.startsWith(`${namespace}/`)) entry.changed = true;
    }
  }

  clear(): void {
    this.#entries.clear();
  }

  /** @returns false when the caller's patience ended first */
  async #settle(namespace: string, entry: Entry): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<false>((resolve) => {
      timer = setTimeout(resolve, this.#options.patienceMs ?? 10_000, false);
    });
    const listed = this.#upToDate(namespace, entry).then(() => true);
    try {
      return await Promise.race([listed, patience]);
    } catch (error) {
      if (!entry.known) throw error;
      return true;
    } finally {
      clearTimeout(timer);
    }
  }

  /** A listing that began before the change does not show it: then another one follows. */
  async #upToDate(namespace: string, entry: Entry): Promise<void> {
    do await this.#refresh(namespace, entry);
    while (entry.changed);
  }

  #refresh(namespace: string, entry: Entry): Promise<void> {
    entry.refreshing ??= this.#list(namespace, entry).finally(() => {
      entry.refreshing = undefined;
    });
    return entry.refreshing;
  }

  async #list(namespace: string, entry: Entry): Promise<void> {
    await this.#turn();
    entry.changed = false;
    try {
      const artifacts = await this.#options.list(namespace);
      entry.known = { artifacts, indexedAt: Date.now() };
      entry.failed = false;
      this.#options.onRefresh?.('ok');
    } catch (error) {
      entry.failed = true;
      this.#options.onRefresh?.('failed');
      throw error;
    } finally {
      this.#refreshes -= 1;
      this.#waiting.shift()?.();
    }
  }

  async #turn(): Promise<void> {
    if (this.#refreshes >= maxRefreshes) {
      if (this.#waiting.length > maxNamespaces)
        throw new OciError('LIMIT_EXCEEDED', 'too many namespaces are being listed');
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#refreshes += 1;
  }

  #entry(namespace: string): Entry {
    const found = this.#entries.get(namespace) ?? {
      known: undefined,
      failed: false,
      changed: false,
      refreshing: undefined,
    };
    this.#entries.set(namespace, found);
    return found;
  }
}
