import type { ObjectStore } from '@oci/cache';
import type { Digest, RepositoryName } from '@oci/spec-types';

import { type EventJournal, noJournal } from '../events/journal.js';
import { HostedBlobs } from './blobs.js';
import type { CollectionOptions } from './collection/collection.js';
import { HostedCollection } from './collection/hosted-collection.js';
import { type CorruptionListener, HostedContent } from './content.js';
import { ContentIndex } from './content-index.js';
import { Links } from './links.js';
import { HostedManifests, type ListOptions } from './manifests.js';
import { Quotas, type QuotasOptions } from './quota/quotas.js';
import { UploadRoom } from './quota/upload-room.js';
import { type RecordListener, Records } from './records.js';
import { Repositories } from './repositories.js';
import { SharedStore } from './shared-store.js';
import { HostedUploads, type UploadsOptions } from './uploads.js';

/** Repositories that live here, over any object store. */
export interface HostedRegistry {
  readonly blobs: HostedBlobs;
  readonly manifests: HostedManifests;
  readonly uploads: HostedUploads;
  readonly quotas: Quotas;
  /** The repositories that have content, in ASCII order. */
  holders(digest: Digest): AsyncIterable<RepositoryName>;
  /** Whether a repository has a manifest, or had one until the last collection. */
  hasRepository(name: RepositoryName): Promise<boolean>;
  /** Every repository that {@link hasRepository}, in ASCII order. */
  listRepositories(options?: ListOptions<RepositoryName>): AsyncIterable<RepositoryName>;
  expireUploads(options: { olderThanMs: number }): Promise<number>;
  readonly collection: HostedCollection;
}

export interface HostedRegistryOptions {
  readonly uploads?: UploadsOptions | undefined;
  readonly collection?: CollectionOptions | undefined;
  readonly quotas?: QuotasOptions | undefined;
  readonly onCorruption?: CorruptionListener | undefined;
  readonly onDamagedRecord?: RecordListener | undefined;
  /** Hears of pushes and deletions. */
  readonly journal?: EventJournal | undefined;
}

export function createHostedRegistry(
  store: ObjectStore,
  options: HostedRegistryOptions = {},
): HostedRegistry {
  const shared = new SharedStore(store);
  const records = new Records(shared, options.onDamagedRecord);
  const index = new ContentIndex(records, options.collection?.stagedMs);
  const content = new HostedContent(shared, index, options.onCorruption);
  const quotas = new Quotas(records, options.quotas);
  const links = new Links(records, quotas);
  const repositories = new Repositories(records);
  const blobs = new HostedBlobs(content, links);
  const { journal = noJournal } = options;
  const room = new UploadRoom(quotas);
  const stored = { store: shared, records, blobs, content, room };
  const uploads = new HostedUploads(stored, options.uploads);
  const parts = { store: shared, records, index, blobs, links, repositories, uploads };
  return {
    blobs,
    manifests: new HostedManifests({ records, blobs, content, repositories, journal }),
    uploads,
    quotas,
    holders: (digest) => links.holders(digest),
    hasRepository: (name) => repositories.has(name),
    listRepositories: (list) => repositories.list(list),
    expireUploads: (age) => uploads.expire(age),
    collection: new HostedCollection(parts, options.collection),
  };
}
