import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import type { Digest } from '@oci/spec-types';
import { TemporaryFiles, onStorage } from '@oci/files';

import { CachedRepository, type RepositoryPlace } from './cached-repository.js';
import { type DamageListener, ContentStore } from './content-store.js';
import { Downloads } from './downloads.js';
import { Evidence } from './evidence.js';
import { Inventory } from './inventory.js';
import { LayoutIndex } from './layout-index.js';
import {
  type ReferenceKey,
  type ViewName,
  ownEntries,
  referenceKey,
  tagsPrefix,
  viewFiles,
} from './layout.js';
import { ReferenceStore } from './reference-store.js';
import { ReferrerStore } from './referrer-store.js';
import type { RetentionPolicy } from './retention/policy.js';
import type { PruneOptions, PruneParts, PruneReport } from './retention/prune.js';
import type { ScrubOptions, ScrubReport } from './scrub.js';
import { type Lease, Leases } from './state/leases.js';
import { ListingNotes } from './state/listing-notes.js';
import { Markers } from './state/markers.js';
import type { Pins } from './state/pins.js';
import { RemovalGate } from './state/removal-gate.js';
import type { UsageTotal } from './state/usage.js';
import type { CacheStats } from './stats.js';
import { FileObjectStore, type FileObjectStoreOptions } from './store/file-object-store.js';
import { ViewStore } from './view-store.js';

export interface CacheOptions extends FileObjectStoreOptions {
  /** Make the directory when it is missing. Default true; false for who only looks: then it is as an empty one. */
  readonly make?: boolean | undefined;
  /** Hears of content that was found damaged, and is being fetched again. */
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
  readonly views: ViewStore;
  readonly inventory: Inventory;
  readonly pins: Pins;
  readonly listingNotes: ListingNotes;
  /** Records of signatures that were verified, by what they were verified for. */
  readonly verifiedSignatures: Pick<Markers, 'read' | 'add'>;
  /** Whether a reference of a repository may be here: one look, cheaper than to look for each. */
  mayKnow(place: RepositoryPlace): boolean;
  /** A repository of a registry as it is here. */
  repository(place: RepositoryPlace): CachedRepository;
  /** Keeps content from being removed, by any process, until it is released. */
  lease(): Lease;
  /**
   * How the files of an artifact look that is here: of its reference, of its content, of its view.
   *
   * @returns undefined when one is missing
   */
  evidence(of: {
    readonly reference: ReferenceKey;
    readonly digests: readonly Digest[];
    readonly view: ViewName;
  }): Evidence | undefined;
  /** What is here, by the notes of every change: at once, however much it is. */
  usage(): Promise<UsageTotal>;
  /** What is here, by looking. */
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
  /** Hashes all content; one that reached the end makes the notes of retention anew. */
  verify(options?: ScrubOptions): Promise<ScrubReport>;
  /** Removes everything that the cache put into the directory, but what a running pull relies on. */
  clear(): Promise<void>;
}

/** Opens a cache directory, which by default is made when it is missing. @throws OciError `STORAGE_…` */
export async function openCache(dir: string, options: CacheOptions = {}): Promise<Cache> {
  const root = resolve(dir);
  if (options.make ?? true) await onStorage({ path: root }, () => mkdir(root, { recursive: true }));
  const parts = partsOf(root, options);
  const { content, index, inventory, leases } = parts;
  const listingNotes = new ListingNotes(new Markers(join(root, 'state', 'listings'), root));
  const temporary = new TemporaryFiles(join(root, '.tmp'));
  return {
    ...parts,
    downloads: new Downloads(root, content),
    references: inventory.references,
    views: new ViewStore(root, { temporary, inventory, fsync: options.fsync }),
    pins: inventory.pins,
    listingNotes,
    verifiedSignatures: new Markers(join(root, 'state', 'signatures'), root),
    mayKnow: (place) => existsSync(parts.store.pathOf(tagsPrefix(place).replace(/\/$/, ''))),
    repository: (place) => new CachedRepository(parts, place),
    lease: () => leases.open(),
    evidence({ reference, digests, view }) {
      const paths = [
        parts.store.pathOf(referenceKey(reference)),
        ...digests.map((digest) => content.pathOf(digest)),
        ...viewFiles(view).map((path) => join(root, path)),
      ];
      return Evidence.of(paths, inventory.noted(reference));
    },
    usage: () => inventory.usage.total(),
    stats: async () => (await import('./stats.js')).measureCache(parts),
    async forget(reference, { unless } = {}) {
      await listingNotes.forget(reference, unless);
      const known = await inventory.references.get(reference);
      if (!known || known.digest === unless) return;
      await index.remove([reference]);
      await inventory.unname(reference);
    },
    prune: async (policy, pruneOptions) =>
      (await import('./retention/prune.js')).prune(parts, policy, pruneOptions),
    verify: (scrubOptions = {}) => verify(parts, scrubOptions),
    clear: () => clear(parts),
  };
}

function partsOf(dir: string, options: CacheOptions): PruneParts {
  const store = new FileObjectStore(dir, options);
  const pathOf = (key: Parameters<typeof referenceKey>[0]): string =>
    store.pathOf(referenceKey(key));
  const references = new ReferenceStore(store);
  const inventory = new Inventory(dir, references, pathOf);
  const { usage } = inventory;
  const gate = new RemovalGate(dir);
  return {
    dir,
    store,
    content: new ContentStore(store, { onDamage: options.onDamage, usage }),
    inventory,
    referrers: new ReferrerStore(store),
    index: new LayoutIndex(store, (key) => references.get(key)),
    leases: new Leases(dir, gate),
    gate,
  };
}

async function verify(parts: PruneParts, options: ScrubOptions): Promise<ScrubReport> {
  const [{ scrub }, { rebuild }] = await Promise.all([
    import('./scrub.js'),
    import('./rebuild.js'),
  ]);
  const notes = new Markers(join(parts.dir, 'state'), parts.dir);
  const report = await scrub({ ...parts, notes }, options);
  if (report.finished && !options.dryRun) await rebuild(parts);
  return report;
}

async function clear(parts: PruneParts): Promise<void> {
  const { clearUnused } = await import('./retention/clear.js');
  await parts.gate.close(async () => {
    const leased = await parts.leases.held();
    if (leased.size > 0) return clearUnused(parts, leased);
    for (const entry of ownEntries) {
      const path = join(parts.dir, entry);
      await onStorage({ path }, () => rm(path, { recursive: true, force: true }));
    }
    parts.inventory.forget();
  });
}
