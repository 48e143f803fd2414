import { type Digest, throwIfAborted } from '@oci/spec-types';
import { forEachConcurrent } from '@oci/spec-types/node';

import type { ContentStore } from '../content-store.js';
import { statOf } from '../directory-walk.js';
import { referenceId } from '../cache-format.js';
import type { ReferenceStore } from '../reference-store.js';
import type { ReferrerStore } from '../referrer-store.js';
import type { GcBarrier } from '../state/gc-barrier.js';
import type { Leases } from '../state/leases.js';
import { removeBlob } from './blob-removal.js';
import { MaterializedIndex, idsOf } from './materialized-index.js';
import { Scan, type ScannedReference } from './scan.js';

export interface CollectorParts {
  readonly dir: string;
  readonly content: ContentStore;
  readonly references: ReferenceStore;
  readonly referrers: ReferrerStore;
  readonly leases: Leases;
  readonly barrier: GcBarrier;
}

export interface CollectorOptions {
  /** Changes nothing. */
  readonly dryRun: boolean;
  readonly signal?: AbortSignal | undefined;
}

export type Leased = ReadonlySet<Digest>;

/** References, and blobs, that are removed in one closing of the barrier: some tenths of a second. */
const batch = { references: 1000, blobs: 8000 } as const;
/** Blobs that are removed at once. */
const atOnce = 16;

/**
 * Removes references, and then the content that nothing leads to. What may go is found while others use the cache;
 * while the barrier is closed, leases and whatever has changed are read again, so that nothing goes which a pull has
 * come to need. A process that is killed in the middle leaves content that nothing leads to.
 */
export class Collector {
  readonly scan: Scan;
  /** What goes, or would go: blobs, and bytes of blobs and materialized files. */
  readonly freed = { blobs: 0, bytes: 0 };
  readonly #parts: CollectorParts;
  readonly #options: CollectorOptions;
  readonly #files: MaterializedIndex;
  /** Blobs that go, and their bytes. */
  readonly #doomed = new Map<Digest, number>();

  private constructor(
    parts: CollectorParts,
    options: CollectorOptions,
    found: { readonly scan: Scan; readonly files: MaterializedIndex },
  ) {
    this.#parts = parts;
    this.#options = options;
    this.#files = found.files;
    this.scan = found.scan;
  }

  static async of(parts: CollectorParts, options: CollectorOptions): Promise<Collector> {
    const scan = await Scan.of(parts.dir);
    return new Collector(parts, options, { scan, files: await MaterializedIndex.of(parts.dir) });
  }

  /**
   * Finds what nothing leads to, and came before a time (milliseconds since the epoch): what is younger may be part of
   * what is just coming.
   *
   * @returns bytes of all blobs and materialized files, and the time of the oldest that is not old enough
   */
  doomOrphans(before: number): { readonly bytes: number; readonly nextOldest: number } {
    const { blobs, graph, references } = this.scan;
    let bytes = this.#files.bytes;
    let nextOldest = Number.MAX_VALUE;
    for (const digest of blobs) {
      const info = graph.has(digest) ? undefined : statOf(this.#parts.content.pathOf(digest));
      const size = info?.size ?? graph.sizeOf(digest) ?? 0;
      bytes += size;
      if (info && info.mtimeMs <= before) this.#doom(digest, size);
      else if (info) nextOldest = Math.min(nextOldest, info.mtimeMs);
    }
    const orphans = this.#files.doomOrphans(references, before);
    this.freed.bytes += orphans.bytes;
    return { bytes, nextOldest: Math.min(nextOldest, orphans.nextOldest) };
  }

  /**
   * Removes references, in `index.json` first, and dooms what only they led to.
   *
   * @param mayGo asked for each while the barrier is closed, when all before it are gone
   */
  async retire<T extends { readonly reference: ScannedReference }>(
    candidates: readonly T[],
    mayGo: (candidate: T, leased: Leased) => Promise<boolean>,
    onGone: (candidate: T, bytes: number) => void = () => {},
  ): Promise<void> {
    await this.#inBatches(candidates, batch.references, async (some, leased) => {
      const going: T[] = [];
      for (const candidate of some) {
        if (!(await mayGo(candidate, leased))) continue;
        const before = this.freed.bytes;
        this.#release(candidate.reference, leased);
        going.push(candidate);
        onGone(candidate, this.freed.bytes - before);
      }
      if (this.#options.dryRun) return;
      await this.#parts.references.remove(going.map(({ reference }) => reference.key));
      for (const { reference } of going) await this.#files.remove(referenceId(reference.key));
    });
  }

  /** Removes what is doomed, unless somebody has come to need it. */
  async sweep(): Promise<void> {
    if (this.#options.dryRun) return;
    const { graph } = this.scan;
    await this.#inBatches([...this.#doomed], batch.blobs, async (some, leased) => {
      await this.#update(leased);
      const remove = async ([digest, size]: readonly [Digest, number]): Promise<void> => {
        const isNeeded = leased.has(digest) || graph.has(digest);
        if (isNeeded || !(await this.#remove(digest))) this.#add(-1, -size);
      };
      await forEachConcurrent(some, remove, { limit: atOnce });
    });
    await this.#inBatches(this.#files.orphans, batch.references, async (some, leased) => {
      await this.#update(leased);
      const known = idsOf(this.scan.references);
      for (const { reference, layer } of some)
        if (!known.has(reference) && !(layer && leased.has(layer)))
          await this.#files.remove(reference);
    });
  }

  /** Reads what has changed, and takes what a leased manifest points to for leased. */
  async #update(leased: Leased): Promise<void> {
    const { scan } = this;
    await scan.update();
    for (const digest of leased) {
      const size = scan.graph.has(digest) ? undefined : await this.#parts.content.size(digest);
      if (size !== undefined) scan.graph.hold({ digest, size });
    }
  }

  #release({ key, entry }: ScannedReference, leased: Leased): void {
    const { blobs, graph } = this.scan;
    for (const digest of graph.release(entry.digest, (one) => leased.has(one)))
      if (blobs.has(digest)) this.#doom(digest, graph.sizeOf(digest) ?? 0);
    this.freed.bytes += this.#files.bytesOf(referenceId(key));
  }

  #doom(digest: Digest, bytes: number): void {
    this.#doomed.set(digest, bytes);
    this.#add(1, bytes);
  }

  #add(blobs: number, bytes: number): void {
    this.freed.blobs += blobs;
    this.freed.bytes += bytes;
  }

  /** @returns whether it was there */
  async #remove(digest: Digest): Promise<boolean> {
    const { dir, referrers } = this.#parts;
    if (this.scan.referrersOf(digest).length > 0) await referrers.clear(digest);
    return removeBlob(dir, digest);
  }

  /** Works on batches of items, each while the barrier is closed; a dry run lets everybody go on. */
  async #inBatches<T>(
    items: readonly T[],
    size: number,
    work: (some: readonly T[], leased: Leased) => Promise<void>,
  ): Promise<void> {
    const { leases, barrier } = this.#parts;
    const { dryRun, signal } = this.#options;
    for (let at = 0; at < items.length; at += size) {
      // The first is done however short the run is, so that many short ones come to an end too.
      if (at > 0) throwIfAborted(signal);
      const some = items.slice(at, at + size);
      if (dryRun) await work(some, await leases.held());
      else await barrier.close(async () => work(some, await leases.held()));
    }
  }
}
