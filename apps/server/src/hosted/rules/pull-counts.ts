import type { Digest, RepositoryName } from '@oci/spec-types';
import { forEachConcurrent } from '@oci/spec-types/node';

import { digestOfManifestKey, keys } from '../keys.js';
import type { Records } from '../records.js';

/** How often a manifest was pulled since it was pushed, or since pulls are counted. */
export interface UsageRecord {
  readonly pulls: number;
  /** Milliseconds since the epoch. */
  readonly lastPulledAt: number;
}

/** The usage of one manifest of a repository. */
export interface ManifestUsage extends UsageRecord {
  readonly digest: Digest;
}

interface Pulled extends UsageRecord {
  readonly name: RepositoryName;
  readonly digest: Digest;
}

export interface PullCountsOptions {
  /** Manifests whose pulls are held in memory. Default 10,000. */
  readonly most?: number;
  /** Milliseconds until pulls are written. Default 1 min. */
  readonly everyMs?: number;
  /** Hears of pulls that nothing has counted: too many manifests at once, or a storage that is away. */
  readonly onLost?: ((pulls: number) => void) | undefined;
}

/** Records that are written at the same time. */
const atOnce = 8;

/**
 * Counts pulls in memory, and adds them to the record of each manifest at once: a minute later, when memory holds as
 * many as it may, or at the end. What several processes count is added up. A process that is killed loses what it has
 * counted since it last wrote.
 */
export class PullCounts {
  readonly #records: Records;
  readonly #most: number;
  readonly #everyMs: number;
  readonly #onLost: (pulls: number) => void;
  #counted = new Map<string, Pulled>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;

  constructor(records: Records, options: PullCountsOptions = {}) {
    this.#records = records;
    this.#most = options.most ?? 10_000;
    this.#everyMs = options.everyMs ?? 60_000;
    this.#onLost = options.onLost ?? (() => {});
  }

  /** Counts a pull; of a manifest that is not hosted here it leaves nothing. */
  note(name: RepositoryName, digest: Digest, at: number = Date.now()): void {
    this.#add({ name, digest, pulls: 1, lastPulledAt: at });
    // What is being written makes room by itself: pulls that come meanwhile do not each wait for it.
    if (this.#counted.size >= this.#most && !this.#writing) void this.flush();
    this.#timer ??= setTimeout(() => void this.flush(), this.#everyMs).unref();
  }

  /** Writes what was counted until now. What cannot be written is written with the next. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    // One behind the other: what is counted meanwhile is bounded by itself.
    while (this.#writing) await this.#writing;
    if (this.#counted.size === 0) return;
    this.#writing = this.#write().finally(() => (this.#writing = undefined));
    await this.#writing;
  }

  /** Takes over what another storage has counted, unless more is known here. */
  async restore(name: RepositoryName, digest: Digest, usage: UsageRecord): Promise<void> {
    const { pulls, lastPulledAt } = usage;
    await this.#records.change<UsageRecord>(keys.usage(name, digest), (known) =>
      known && known.lastPulledAt >= lastPulledAt
        ? undefined
        : { pulls: Math.max(pulls, known?.pulls ?? 0), lastPulledAt },
    );
  }

  async find(name: RepositoryName, digest: Digest): Promise<UsageRecord | undefined> {
    return this.#records.get<UsageRecord>(keys.usage(name, digest));
  }

  /** The manifests of a repository that were pulled, in the order of their digests, as it was last written. */
  async *list(
    name: RepositoryName,
    { after, pageSize }: { readonly after?: Digest | undefined; readonly pageSize?: number } = {},
  ): AsyncGenerator<ManifestUsage, void, undefined> {
    const start = after === undefined ? {} : { after: keys.usage(name, after) };
    const entries = this.#records.entries(keys.usages(name), { ...start, pageSize });
    for await (const { key } of entries) {
      const digest = digestOfManifestKey(key);
      const usage = digest && (await this.#records.get<UsageRecord>(key));
      if (usage) yield { digest, pulls: usage.pulls, lastPulledAt: usage.lastPulledAt };
    }
  }

  #add(pulled: Pulled): void {
    const key = keys.usage(pulled.name, pulled.digest);
    const known = this.#counted.get(key);
    if (!known && this.#counted.size >= this.#most) this.#onLost(pulled.pulls);
    else this.#counted.set(key, { ...pulled, ...sum(known, pulled) });
  }

  async #write(): Promise<void> {
    const counted = this.#counted;
    this.#counted = new Map();
    await forEachConcurrent(
      counted,
      async ([key, pulled]) => {
        try {
          await this.#writeOne(key, pulled);
        } catch {
          this.#add(pulled);
        }
      },
      { limit: atOnce },
    );
    if (this.#counted.size > 0)
      this.#timer ??= setTimeout(() => void this.flush(), this.#everyMs).unref();
  }

  async #writeOne(key: string, pulled: Pulled): Promise<void> {
    const records = this.#records;
    const isThere = (): Promise<boolean> => records.has(keys.manifest(pulled.name, pulled.digest));
    if (!(await isThere())) return;
    await records.change<UsageRecord>(key, (known) => sum(known, pulled));
    // Who removes a manifest removes its record before its usage: one of the two sees the other.
    if (!(await isThere())) await records.removeIf(key, () => true);
  }
}

function sum(known: UsageRecord | undefined, more: UsageRecord): UsageRecord {
  return {
    pulls: (known?.pulls ?? 0) + more.pulls,
    lastPulledAt: Math.max(known?.lastPulledAt ?? 0, more.lastPulledAt),
  };
}
