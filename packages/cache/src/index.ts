export { type ArchiveType, detectArchive, detectionBytes } from './archive-type.js';
export { type Cache, type CacheOptions, openCache } from './cache.js';
export { LayoutIndex } from './layout-index.js';
export { type MaterializedName, type ReferenceKey, referenceId } from './cache-format.js';
export { type ManifestKey, ManifestLru, type ManifestLruOptions } from './manifest-lru.js';
export { copyMaterialized } from './materialized-copy.js';
export { writeGzipTar } from './materialized-files.js';
export type { ReferenceEntry, StoredReference } from './reference-store.js';
export type { RetentionPolicy } from './retention/policy.js';
export type { PruneOptions, PruneReport } from './retention/prune.js';
export type { ScrubOptions, ScrubReport } from './scrub.js';
export type { StatSnapshot } from './stat-snapshot.js';
export type { Lease } from './state/leases.js';
export type { ListedTag } from './state/listing-notes.js';
export type { CacheStats, CacheUsage, Count } from './stats.js';
export {
  type FileObjectStore,
  type FileObjectStoreOptions,
  createFileObjectStore,
} from './store/file-object-store.js';
export { createMemoryObjectStore } from './store/memory-object-store.js';
export { decodeSegment, encodeSegment, isObjectKey } from './store/object-key.js';
export type {
  ListedObject,
  ObjectInfo,
  ObjectStore,
  PutCondition,
  StoredObject,
  StoredVersion,
} from './store/object-store.js';
export type { StoredBlob } from './stored-blob.js';
