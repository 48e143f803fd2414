import type { ListedObject, ObjectStore } from '@oci/cache';
import type { RepositoryName } from '@oci/spec-types';
import { forEachConcurrent } from '@oci/spec-types/node';

import type { HostedBlobs } from '../blobs.js';
import { type ContentIndex, type ContentRecord, maxStagedMs } from '../content-index.js';
import {
  digestOfContentKey,
  digestOfLinkKey,
  idOfDataKey,
  idOfQuarantineKey,
  keys,
  partsOfManifestKey,
  repositoryOfKey,
} from '../keys.js';
import type { Links } from '../links.js';
import type { Records, ScannedRecord } from '../records.js';
import type { Repositories } from '../repositories.js';
import type { UploadRecord } from '../upload-record.js';
import type { HostedUploads } from '../uploads.js';
import { CollectionPace } from './collection-pace.js';
import {
  type CollectedKind,
  type CollectionCall,
  type CollectionReport,
  CollectionTally,
} from './collection-report.js';
import { DataFilter } from './data-filter.js';
import { NamedContent } from './named-content.js';
import { type ListedContent, contentWithLinks } from './unlinked-content.js';
import { UnnamedLinks, atOnce } from './unnamed-links.js';

export interface CollectionParts {
  readonly store: ObjectStore;
  readonly records: Records;
  readonly index: ContentIndex;
  readonly blobs: HostedBlobs;
  readonly links: Links;
  readonly repositories: Repositories;
  readonly uploads: HostedUploads;
}

export interface CollectionOptions {
  /** Objects that are looked at in a second; 0 for no limit. Default 2000. */
  readonly objectsPerSecond?: number | undefined;
  /** How long data may be staged, in milliseconds; data that is no content stays twice as long. Default 12 h. */
  readonly stagedMs?: number | undefined;
  /** How long an upload may rest, in milliseconds. Default 24 h. */
  readonly uploadMs?: number | undefined;
}

const defaultObjectsPerSecond: number = 2000;
const defaultUploadMs = 24 * 60 * 60_000;

/**
 * One pass over the storage that removes what nothing refers to: uploads that rest, repositories without a manifest,
 * content without a repository, blobs that no manifest of their repository names, data that is no content. It holds two pages of lists and a filter of at most 64 MiB,
 * however much there is. Everything that seems to be of no use is looked at again before it goes, so that a pass can
 * be interrupted and run beside any other work, even beside another one.
 */
export class Collection {
  readonly tally: CollectionTally = new CollectionTally();
  readonly #parts: CollectionParts;
  readonly #options: CollectionOptions;
  readonly #pace: CollectionPace;
  readonly #dryRun: boolean;
  readonly #signal: AbortSignal | undefined;
  /** Milliseconds since the epoch: the age of everything is that when the pass began. */
  readonly #now: number;
  /** How many there are, about. */
  #links = 0;

  constructor(
    parts: CollectionParts,
    options: CollectionOptions,
    { dryRun = false, signal, now = Date.now() }: CollectionCall & { readonly now?: number },
  ) {
    this.#parts = parts;
    this.#options = options;
    this.#pace = new CollectionPace(options.objectsPerSecond ?? defaultObjectsPerSecond);
    this.#dryRun = dryRun;
    this.#signal = signal;
    this.#now = now;
  }

  /** @throws OciError `ABORTED`, `STORAGE_…` */
  async run(): Promise<CollectionReport> {
    await this.#expireUploads();
    await this.#removeRepositories();
    await this.#removeContent();
    await this.#removeLinks();
    await this.#removeData();
    return this.tally.report(this.#dryRun, 'done');
  }

  async #expireUploads(): Promise<void> {
    const { uploads, store } = this.#parts;
    await this.#each('uploads', store.entries(keys.uploads, this.#call), async (entry) => {
      if (!this.#isExpired(entry)) return;
      const bytes = await uploads.expireOne(entry, this.#dryRun);
      if (bytes !== undefined) this.tally.removed('uploads', bytes);
    });
  }

  async #removeRepositories(): Promise<void> {
    const { repositories } = this.#parts;
    const remove = async (name: RepositoryName): Promise<boolean> =>
      this.#dryRun ? !(await repositories.hasManifest(name)) : repositories.removeEmpty(name);
    await this.#each('repositories', repositories.list(this.#call), async (name) => {
      if (await remove(name)) this.tally.removed('repositories');
    });
  }

  async #removeContent(): Promise<void> {
    const countLink = (): void => void (this.#links += 1);
    const all = contentWithLinks(this.#parts.records, this.#signal, countLink);
    await this.#each('content', all, async (item) => {
      if ('link' in item) return this.#removeDangling(item.link);
      const bytes = item.isLinked ? undefined : await this.#removeUnlinked(item);
      if (bytes !== undefined) this.tally.removed('content', bytes);
    });
  }

  /** A push that ended between link and content leaves a link, which is counted with a quota. */
  async #removeDangling({ key, version, modifiedAt }: ListedObject): Promise<void> {
    const { index, links } = this.#parts;
    const digest = digestOfLinkKey(key);
    if (modifiedAt >= this.#olderThan || !digest || (await index.find(digest))) return;
    if (this.#dryRun || (await links.removeAsListed(repositoryOfKey(key), digest, version)))
      this.tally.removed('content');
  }

  async #removeUnlinked({ entry: { key } }: ListedContent): Promise<number | undefined> {
    const { index, blobs, links } = this.#parts;
    const digest = digestOfContentKey(key);
    if (!digest) return undefined;
    if (!this.#dryRun) return blobs.removeUnreferenced(digest);
    return (await links.isReferenced(digest)) ? undefined : (await index.find(digest))?.size;
  }

  /** Links of blobs that no manifest of their repositories names; behind content, which counts them. */
  async #removeLinks(): Promise<void> {
    const { records } = this.#parts;
    const named = new NamedContent(this.#parts, this.#links);
    const manifests = records.entries(keys.allOf('manifests'), this.#call);
    const read = async (entry: ListedObject): Promise<void> => {
      if (await this.#removeLeftover(entry)) return;
      if (!(await named.read(entry.key, this.#signal))) this.tally.unreadableManifests += 1;
    };
    const paced = this.#pace.of(manifests, this.#signal);
    await forEachConcurrent(paced, read, { limit: atOnce, signal: this.#signal });
    const links = new UnnamedLinks(this.#parts, this.tally, {
      named,
      olderThan: this.#olderThan,
      dryRun: this.#dryRun,
    });
    const all = records.entries(keys.allLinks, this.#call);
    await this.#each('links', all, (entry) => links.look(entry), links.atOnce);
    await links.end();
  }

  /**
   * A deletion that ended behind the link leaves the record of its manifest, which would serve it again by its digest
   * where another repository has it. A push writes the link before the record.
   */
  async #removeLeftover({ key, version, modifiedAt }: ListedObject): Promise<boolean> {
    const { records, repositories } = this.#parts;
    const parts = partsOfManifestKey(key);
    if (!parts || modifiedAt >= this.#olderThan) return false;
    if (await records.has(keys.link(parts.digest, parts.name))) return false;
    const isGone =
      this.#dryRun || (await records.removeIf(key, (seen) => seen.version === version));
    if (!isGone) return false;
    this.tally.removed('repositories');
    // It may have been the last manifest of its repository.
    if (!this.#dryRun) await repositories.removeEmpty(parts.name);
    return true;
  }

  /**
   * Data that is no content, and no piece of an upload. What was older than twice the time that data may be staged
   * when the pass began, before anything was read, cannot become content any more.
   */
  async #removeData(): Promise<void> {
    const { store } = this.#parts;
    const referenced = await this.#referencedData();
    // One of the records that cannot be read may be of any data.
    if (this.tally.unreadable > 0) return;
    await this.#each('data', store.entries(keys.allData, this.#call), async (entry) => {
      if (entry.modifiedAt >= this.#olderThan || referenced.has(idOfDataKey(entry.key))) return;
      const info = await store.head(entry.key);
      if (info?.version !== entry.version) return;
      if (!this.#dryRun) await store.delete(entry.key);
      this.tally.removed('data', info.size);
    });
  }

  async #referencedData(): Promise<DataFilter> {
    const { store, records } = this.#parts;
    const filter = new DataFilter(this.tally.lookedAt('content'));
    // A piece becomes content before its session ends, so that sessions come first.
    const uploads = this.#pace.of(store.entries(keys.uploads, this.#call), this.#signal);
    const readUpload = (key: string) => records.scan<UploadRecord>(key);
    await this.#scan(uploads, readUpload, ({ closing, pieces }, entry) => {
      // As it is counted already, and would be gone.
      const isCounted = this.#dryRun && closing !== undefined && this.#isExpired(entry);
      if (!isCounted) for (const [data] of pieces) filter.add(data);
    });
    // Data is in quarantine before content loses it.
    for await (const { key } of records.entries(keys.allQuarantined, this.#call))
      filter.add(idOfQuarantineKey(key));
    const content = this.#pace.of(records.entries(keys.allContent, this.#call), this.#signal);
    const readContent = (key: string) => records.scan<ContentRecord>(key);
    await this.#scan(content, readContent, ({ data }) => filter.add(data));
    return filter;
  }

  async #scan<T>(
    entries: AsyncIterable<ListedObject>,
    read: (key: string) => Promise<ScannedRecord<T>>,
    work: (record: T, entry: ListedObject) => void,
  ): Promise<void> {
    const look = async (entry: ListedObject): Promise<void> => {
      const { value, isDamaged } = await read(entry.key);
      if (isDamaged) this.tally.unreadable += 1;
      if (value) work(value, entry);
    };
    await forEachConcurrent(entries, look, { limit: atOnce, signal: this.#signal });
  }

  async #each<T>(
    kind: CollectedKind,
    items: AsyncIterable<T>,
    work: (item: T) => Promise<void>,
    limit = atOnce,
  ): Promise<void> {
    const look = async (item: T): Promise<void> => {
      this.tally.looked(kind);
      await work(item);
    };
    const paced = this.#pace.of(items, this.#signal);
    await forEachConcurrent(paced, look, { limit, signal: this.#signal });
  }

  get #call(): { readonly signal?: AbortSignal } {
    return this.#signal ? { signal: this.#signal } : {};
  }

  /** Milliseconds since the epoch; see {@link maxStagedMs}. */
  get #olderThan(): number {
    return this.#now - 2 * (this.#options.stagedMs ?? maxStagedMs);
  }

  #isExpired({ modifiedAt }: ListedObject): boolean {
    return this.#now - modifiedAt > (this.#options.uploadMs ?? defaultUploadMs);
  }
}
