import type { ObjectStore } from '@oci/cache';
import type { CallOptions, Digest, RepositoryName } from '@oci/spec-types';

import { type EventJournal, noJournal } from '../events/journal.js';
import { HostedBlobs } from './blobs.js';
import type { CollectionOptions } from './collection/collection.js';
import { HostedCollection } from './collection/hosted-collection.js';
import { BytePace } from './byte-pace.js';
import { HostedContent } from './content.js';
import { ContentCheck } from './content-check.js';
import { ContentIndex } from './content-index.js';
import { CorruptionReports } from './corruption-reports.js';
import { Links } from './links.js';
import { HostedManifests, type ListOptions } from './manifests.js';
import { Quotas, type QuotasOptions } from './quota/quotas.js';
import { UploadRoom } from './quota/upload-room.js';
import { Quarantine } from './quarantine.js';
import { type RecordListener, Records } from './records.js';
import { Repositories } from './repositories.js';
import { type HostedRules, noRules } from './rules/hosted-rules.js';
import { ImmutableTags } from './rules/immutable-tags.js';
import { HostedRetention } from './rules/hosted-retention.js';
import { PullCounts, type PullCountsOptions } from './rules/pull-counts.js';
import { SharedStore } from './shared-store.js';
import type { TaskTimes } from './task-record.js';
import { HostedUploads, type UploadsOptions } from './uploads.js';
import { Verification } from './verification/verification.js';

/** Bytes of records that work on all of a storage keeps parsed: it reads most of them once. */
const passingMemoryBytes = 1024 * 1024;

/** Repositories that live here, over any object store. */
export interface HostedRegistry {
  readonly blobs: HostedBlobs;
  readonly manifests: HostedManifests;
  readonly uploads: HostedUploads;
  readonly quotas: Quotas;
  readonly verification: Verification;
  readonly quarantine: Quarantine;
  readonly pulls: PullCounts;
  readonly retention: HostedRetention;
  /** The repositories that have content, in ASCII order. */
  holders(digest: Digest): AsyncIterable<RepositoryName>;
  /** Whether a repository has a manifest, or had one until the last collection. */
  hasRepository(name: RepositoryName): Promise<boolean>;
  /** Every repository that {@link hasRepository}, in ASCII order. */
  listRepositories(options?: ListOptions<RepositoryName>): AsyncIterable<RepositoryName>;
  expireUploads(options: CallOptions & { olderThanMs: number }): Promise<number>;
  readonly collection: HostedCollection;
  /** Settles when content that was found corrupt while it was served has been looked at again. */
  settled(): Promise<void>;
  /** Ends what goes on behind requests. */
  close(): Promise<void>;
}

export interface HostedRegistryOptions {
  /** Of the present configuration. Default none. */
  readonly rules?: (() => HostedRules) | undefined;
  /** Hears of pulls that nothing has counted. */
  readonly onLostPulls?: PullCountsOptions['onLost'];
  readonly uploads?: UploadsOptions | undefined;
  readonly collection?: CollectionOptions | undefined;
  readonly quotas?: QuotasOptions | undefined;
  readonly onCorruption?: ((digest: Digest) => void) | undefined;
  readonly onDamagedRecord?: RecordListener | undefined;
  /** Hears of pushes and deletions. */
  readonly journal?: EventJournal | undefined;
  readonly verification?:
    | {
        /** Bytes of data to read in a second; 0 for no limit, the default. */
        readonly bytesPerSecond?: (() => number) | undefined;
        readonly times?: TaskTimes | undefined;
      }
    | undefined;
}

export function createHostedRegistry(
  store: ObjectStore,
  options: HostedRegistryOptions = {},
): HostedRegistry {
  const shared = new SharedStore(store);
  const records = new Records(shared, options.onDamagedRecord);
  const index = new ContentIndex(records, options.collection?.stagedMs);
  const quarantine = new Quarantine({ store: shared, records, index });
  const check = new ContentCheck({ store, index, quarantine, pace: new BytePace(() => 0) });
  const reports = new CorruptionReports(check, (data) => content.trustRecord(data));
  const content: HostedContent = new HostedContent(shared, index, (digest, data) => {
    options.onCorruption?.(digest);
    reports.add(digest, data);
  });
  const quotas = new Quotas(records, options.quotas);
  const links = new Links(records, quotas);
  const repositories = new Repositories(records);
  const blobs = new HostedBlobs(content, links);
  const { journal = noJournal } = options;
  const room = new UploadRoom(quotas);
  const stored = { store: shared, records, blobs, content, room };
  const uploads = new HostedUploads(stored, options.uploads);
  const parts = { store: shared, records, index, blobs, links, repositories, uploads };
  const rules = options.rules ?? (() => noRules);
  const immutable = new ImmutableTags(() => rules().immutableTags);
  // A run reads more than memory holds, and nothing of it soon again.
  const passing = new Records(shared, undefined, { memoryBytes: passingMemoryBytes });
  const pulls = new PullCounts(records, { onLost: options.onLostPulls });
  const manifests = new HostedManifests({
    records,
    blobs,
    content,
    repositories,
    immutable,
    journal,
    maxPushMs: options.collection?.stagedMs,
  });
  const ruled = { records: passing, blobs, manifests, repositories, immutable, pulls };
  return {
    blobs,
    manifests,
    uploads,
    quotas,
    verification: createVerification(store, options.verification),
    quarantine,
    pulls,
    retention: new HostedRetention(ruled, () => rules().retention),
    holders: (digest) => links.holders(digest),
    hasRepository: (name) => repositories.has(name),
    listRepositories: (list) => repositories.list(list),
    expireUploads: (age) => uploads.expire(age),
    collection: new HostedCollection(parts, options.collection),
    settled: () => reports.settled(),
    close: () => reports.close(),
  };
}

/** Verifies with records of its own, so that a pass does not drive out of memory what requests need. */
function createVerification(
  store: ObjectStore,
  { bytesPerSecond = () => 0, times }: NonNullable<HostedRegistryOptions['verification']> = {},
): Verification {
  const records = new Records(store, undefined, { memoryBytes: passingMemoryBytes });
  const index = new ContentIndex(records);
  const quarantine = new Quarantine({ store, records, index });
  const pace = new BytePace(bytesPerSecond);
  const content = new ContentCheck({ store, index, quarantine, pace });
  const links = new Links(records, new Quotas(records));
  return new Verification({ store, records, links, content, quarantine, times });
}
