import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import type { Digest } from '@oci/spec-types';
import { TemporaryFiles, onStorage } from '@oci/files';

import { CachedRepository, type RepositoryPlace } from './cached-repository.js';
import { ContentStore, type DamageListener } from './content-store.js';
import { Downloads } from './downloads.js';
import { ensureFormat } from './format-mark.js';
import { LayoutIndex } from './layout-index.js';
import {
  type MaterializedName,
  type ReferenceKey,
  materializedFiles,
  paths,
  referenceKey,
  tagsPrefix,
} from './cache-format.js';
import { MaterializedFiles } from './materialized-files.js';
import { ReferenceStore } from './reference-store.js';
import { ReferrerStore } from './referrer-store.js';
import type { RetentionPolicy } from './retention/policy.js';
import type { PruneOptions, PruneParts, PruneReport } from './retention/prune.js';
import type { ScrubOptions, ScrubReport } from './scrub.js';
import { StatSnapshot } from './stat-snapshot.js';
import { GcBarrier } from './state/gc-barrier.js';
import { type Lease, Leases } from './state/leases.js';
import { ListingNotes } from './state/listing-notes.js';
import { MarkerFiles } from './state/marker-files.js';
import { Pins } from './state/pins.js';
import { stateNames } from './cache-format.js';
import type { CacheStats, CacheUsage } from './stats.js';
import { FileObjectStore, type FileObjectStoreOptions } from './store/file-object-store.js';

export interface CacheOptions extends FileObjectStoreOptions {
  /** Make the directory when it is missing. Default true; false for who only looks: then it is as an empty one. */
  readonly make?: boolean | undefined;
  /** Hears of content that was found corrupt, and is being fetched again. */
  readonly onDamage?: DamageListener | undefined;
}

/** A cache directory; what is in it is described in `layout.ts`. */
export interface Cache {
  /** Absolute. */
  readonly dir: string;
  readonly content: ContentStore;
  readonly downloads: Downloads;
  readonly references: ReferenceStore;
  readonly referrers: ReferrerStore;
  readonly index: LayoutIndex;
  readonly files: MaterializedFiles;
  readonly pins: Pins;
  readonly listingNotes: ListingNotes;
  /** Records of signatures that were verified, by what they were verified for. */
  readonly verifiedSignatures: Pick<MarkerFiles, 'read' | 'add'>;
  /** Whether a reference of a repository may be here: one look, cheaper than to look for each. */
  mayKnow(place: RepositoryPlace): boolean;
  /**
   * A repository of a registry as it is here.
   *
   * @param lease takes what is pushed, or found to be here already, until a tag or a manifest holds it
   */
  repository(place: RepositoryPlace, lease?: Pick<Lease, 'add'>): CachedRepository;
  /** Keeps content from being removed, by any process, until it is released. */
  lease(): Lease;
  /**
   * Takes a snapshot of the files of an artifact that is here: of its reference, of its content, at its path.
   *
   * @returns undefined when one is missing
   */
  snapshot(of: {
    readonly reference: ReferenceKey;
    readonly digests: readonly Digest[];
    readonly name: MaterializedName;
  }): StatSnapshot | undefined;
  /** Counts blobs, and bytes of blobs and materialized files: some microseconds for each. */
  usage(): Promise<CacheUsage>;
  /** Counts everything. */
  stats(): Promise<CacheStats>;
  /**
   * Drops what a tag points to, so that the next pull and the next listing ask the registry. Its content stays until
   * retention removes it. A tag that points to `unless` stays. @throws OciError `STORAGE_…`
   */
  forget(
    reference: ReferenceKey,
    options?: { readonly unless?: Digest | undefined },
  ): Promise<void>;
  /** Removes what the policy lets go. @throws OciError `USAGE`, `ABORTED` */
  prune(policy: RetentionPolicy, options?: PruneOptions): Promise<PruneReport>;
  /** When a pruning ended last, of any process, in milliseconds since the epoch; undefined when none did. */
  prunedAt(): Promise<number | undefined>;
  /** Hashes all content; one that reached the end makes `index.json` anew. */
  verify(options?: ScrubOptions): Promise<ScrubReport>;
  /** Removes everything that the cache put into the directory, but what a running pull relies on. */
  clear(): Promise<void>;
}

/** Opens a cache directory, which by default is made when it is missing. @throws OciError `STORAGE_…` */
export async function openCache(dir: string, options: CacheOptions = {}): Promise<Cache> {
  const root = resolve(dir);
  if (options.make ?? true) await onStorage({ path: root }, () => mkdir(root, { recursive: true }));
  const parts = partsOf(root, options);
  return { ...parts, ...accessTo(parts), ...maintenanceOf(parts) };
}

type Parts = PruneParts &
  Pick<Cache, 'downloads' | 'index' | 'files' | 'listingNotes'> & {
    readonly store: FileObjectStore;
    readonly verifiedSignatures: MarkerFiles;
  };

function partsOf(dir: string, options: CacheOptions): Parts {
  const store = new FileObjectStore(dir, options);
  const markers = (path: string): MarkerFiles => new MarkerFiles(join(dir, path), dir);
  const index: LayoutIndex = new LayoutIndex(store, (key) => references.get(key));
  const references = new ReferenceStore({
    store,
    index,
    unindexed: markers(paths.unindexed),
    ensureFormat: () => ensureFormat(dir),
  });
  const content = new ContentStore(store, { onDamage: options.onDamage });
  const barrier = new GcBarrier(dir);
  const temporary = new TemporaryFiles(join(dir, paths.temporary));
  return {
    dir,
    store,
    index,
    references,
    content,
    barrier,
    referrers: new ReferrerStore(store),
    downloads: new Downloads(dir, content),
    files: new MaterializedFiles(dir, { temporary, fsync: options.fsync }),
    leases: new Leases(dir, barrier),
    pins: new Pins(markers(paths.pins)),
    listingNotes: new ListingNotes(markers(paths.listings)),
    verifiedSignatures: markers(paths.signatures),
    state: markers(paths.state),
  };
}

function accessTo(
  parts: Parts,
): Pick<Cache, 'mayKnow' | 'repository' | 'lease' | 'snapshot' | 'forget'> {
  const { dir, store, content, references, listingNotes } = parts;
  return {
    mayKnow: (place) => existsSync(store.pathOf(tagsPrefix(place).replace(/\/$/, ''))),
    repository: (place, lease) => new CachedRepository(parts, place, lease),
    lease: () => parts.leases.open(),
    snapshot({ reference, digests, name }) {
      const files = [
        store.pathOf(referenceKey(reference)),
        ...digests.map((digest) => content.pathOf(digest)),
        ...materializedFiles(name).map((path) => join(dir, path)),
      ];
      return StatSnapshot.take(files, () => references.isUseNoted(reference));
    },
    async forget(reference, { unless } = {}) {
      await listingNotes.forget(reference, unless);
      const known = await references.get(reference);
      if (known && known.digest !== unless) await references.remove([reference]);
    },
  };
}

function maintenanceOf(
  parts: Parts,
): Pick<Cache, 'usage' | 'stats' | 'prune' | 'prunedAt' | 'verify' | 'clear'> {
  return {
    usage: async () => (await import('./stats.js')).measureUsage(parts.dir),
    stats: async () => (await import('./stats.js')).measureCache(parts),
    prune: async (policy, options) =>
      (await import('./retention/prune.js')).prune(parts, policy, options),
    prunedAt: () => parts.state.madeAt(stateNames.pruned),
    async verify(options = {}) {
      const report = await (await import('./scrub.js')).scrub(parts, options);
      if (report.finished && !options.dryRun)
        await parts.index.sync(parts.references, (digest) => parts.content.size(digest));
      return report;
    },
    clear: async () => (await import('./retention/clear.js')).clear(parts),
  };
}
