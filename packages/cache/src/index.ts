export { type ArchiveType, detectArchive, detectionBytes } from './archive-type.js';
export { type Cache, type CacheOptions, openCache } from './cache.js';
export type { CachedRepository, RepositoryPlace } from './cached-repository.js';
export type { ContentStore, DamageListener } from './content-store.js';
export type { DownloadSource, Downloads } from './downloads.js';
export { Evidence } from './evidence.js';
export { LayoutIndex } from './layout-index.js';
export { type ReferenceId, type ReferenceKey, type ViewName, referenceId } from './layout.js';
export {
  type ManifestKey,
  ManifestLru,
  type ManifestLruOptions,
  type ManifestLruStats,
} from './manifest-lru.js';
export type { Inventory } from './inventory.js';
export type { ReferenceEntry, ReferenceStore, StoredReference } from './reference-store.js';
export type { ReferrerStore } from './referrer-store.js';
export type { Leftovers } from './retention/leftovers.js';
export type { KeepReason, RemovalReason, RetentionPolicy } from './retention/policy.js';
export type {
  KeptReference,
  PruneOptions,
  PruneReport,
  PrunedReference,
} from './retention/prune.js';
export type { ScrubOptions, ScrubProgress, ScrubReport } from './scrub.js';
export type { Lease } from './state/leases.js';
export type { ListedTag, ListingNotes } from './state/listing-notes.js';
export type { Pins } from './state/pins.js';
export type { CacheStats, Count } from './stats.js';
export type { UsageTotal } from './state/usage.js';
export {
  FileObjectStore,
  type FileObjectStoreOptions,
  createFileObjectStore,
} from './store/file-object-store.js';
export { type MemoryObjectStore, createMemoryObjectStore } from './store/memory-object-store.js';
export { decodeSegment, encodeSegment, isObjectKey } from './store/object-key.js';
export type {
  ListedObject,
  ObjectInfo,
  ObjectStore,
  PutCondition,
  StoredObject,
  StoredVersion,
} from './store/object-store.js';
export { type StoredBlob } from './stored-blob.js';
export { copyView } from './view-copy.js';
export { type View, type ViewRequest, type ViewStore, writeGzipTar } from './view-store.js';
