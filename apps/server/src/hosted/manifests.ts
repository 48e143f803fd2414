import {
  type CallOptions,
  type Descriptor,
  type Digest,
  OciError,
  type RepositoryName,
  type ResolvedManifest,
  type Tag,
} from '@oci/spec-types';
import type { ManifestReference } from '@oci/spec-types/registry-api';
import { verifyManifest } from '@oci/spec-types/node';

import type { EventJournal } from '../events/journal.js';
import type { HostedBlobs } from './blobs.js';
import type { FoundContent, HostedContent } from './content.js';
import { KeyLocks } from './key-locks.js';
import { keys, tagOfKey } from './keys.js';
import { type ManifestPut, ManifestPush, type PushParts } from './manifest-push.js';
import type { ManifestRecord } from './manifest-record.js';
import {
  type Deletion,
  ManifestRemoval,
  type RemovalParts,
  type UntaggedRemoval,
} from './manifest-removal.js';
import { removeNoted } from './noted-removal.js';
import type { Records } from './records.js';
import { withinBound } from './referrer-entry.js';
import type { Repositories } from './repositories.js';
import type { ImmutableTags } from './rules/immutable-tags.js';

/** A manifest that a tag or digest stands for, and where its bytes are. */
export interface FoundManifest {
  readonly descriptor: Descriptor;
  readonly content: FoundContent;
}

/** Which part of a list is wanted. */
export interface ListOptions<T> extends CallOptions {
  /** Begin behind this one, which need not be there. */
  readonly after?: T | undefined;
  /** How many the caller expects to read. */
  readonly pageSize?: number | undefined;
}

/** How a tag is deleted. */
export interface TagDeletion extends Deletion {
  /** Leaves a tag that is not as the caller has seen it. */
  readonly isWanted?: (record: ManifestRecord) => boolean;
}

/** Records that are read at the same time. */
const atOnce = 16;

interface ManifestParts {
  readonly records: Records;
  readonly blobs: HostedBlobs;
  readonly content: HostedContent;
  readonly repositories: Repositories;
  readonly journal: EventJournal;
  readonly immutable: ImmutableTags;
  readonly maxPushMs?: PushParts['maxPushMs'];
}

/** The manifests and tags of repositories; bytes as they were pushed. */
export class HostedManifests {
  readonly #parts: ManifestParts & PushParts & RemovalParts;
  /** Keep changes of this process out of each other's way; between processes the conditions of records do. */
  readonly #locks = new KeyLocks();

  constructor(parts: ManifestParts) {
    const { content } = parts;
    this.#parts = {
      ...parts,
      locks: this.#locks,
      digestOf: async (record) => (record && (await content.locate(record.digest)))?.digest,
    };
  }

  /** The manifest of a tag or digest; undefined when it is missing, or its content is. */
  async find(
    name: RepositoryName,
    reference: ManifestReference,
  ): Promise<FoundManifest | undefined> {
    // A tag says all that the record of its manifest does, and goes before it.
    const key =
      'tag' in reference ? keys.tag(name, reference.tag) : keys.manifest(name, reference.digest);
    const record = await this.#parts.records.get<ManifestRecord>(key);
    const content = record && (await this.#parts.content.find(record.digest));
    if (!content) return undefined;
    const { mediaType, digest, size } = record;
    if (size !== content.size) {
      this.#parts.records.noteDamage(key);
      return undefined;
    }
    return { descriptor: { mediaType, digest, size }, content };
  }

  async resolve(
    name: RepositoryName,
    reference: ManifestReference,
  ): Promise<Descriptor | undefined> {
    return (await this.find(name, reference))?.descriptor;
  }

  async read(found: FoundManifest): Promise<ResolvedManifest> {
    return verifyManifest(await this.readBytes(found), found.descriptor);
  }

  /** As {@link read}, for who only passes it on. */
  async readBytes({ descriptor, content }: FoundManifest): Promise<Uint8Array> {
    const bytes = await this.#parts.content.read(content);
    if (!bytes) throw new OciError('MANIFEST_UNKNOWN', `${descriptor.digest} is gone`);
    return bytes;
  }

  /**
   * Stores a manifest, and points tags at it; when that fails, all is as before.
   *
   * @throws OciError `BLOB_UNKNOWN`, `LIMIT_EXCEEDED`, `POLICY_REFUSED` when an immutable tag points elsewhere, and
   *   what a check throws
   */
  async put(name: RepositoryName, manifest: ResolvedManifest, put: ManifestPut): Promise<void> {
    const { digest } = manifest.descriptor;
    const push = new ManifestPush(this.#parts, { name, manifest, put });
    // Whoever holds a manifest may wait for tags in their order, but never the other way round.
    const sorted = [...new Set(put.tags)].sort();
    const held = [keys.manifest(name, digest), ...sorted.map((tag) => keys.tag(name, tag))];
    await this.#locks.holdAll(held, () => push.run());
  }

  /**
   * Removes a manifest, its tags and its place among referrers.
   *
   * @returns whether it was there
   * @throws OciError `POLICY_REFUSED` when an immutable tag points to it, and what a check throws
   */
  delete(name: RepositoryName, digest: Digest, deletion: Deletion = {}): Promise<boolean> {
    return this.#locks.hold(keys.manifest(name, digest), () =>
      new ManifestRemoval(this.#parts, { name, digest }).run(deletion),
    );
  }

  /** Removes a manifest that no tag points to, with its place among referrers. @returns whether it was removed */
  removeUntagged(name: RepositoryName, digest: Digest, removal: UntaggedRemoval): Promise<boolean> {
    return this.#locks.hold(keys.manifest(name, digest), () =>
      new ManifestRemoval(this.#parts, { name, digest }).runUntagged(removal),
    );
  }

  /**
   * @returns whether it was there, and as wanted
   * @throws OciError `POLICY_REFUSED` for an immutable tag, and what a check throws
   */
  async deleteTag(name: RepositoryName, tag: Tag, deletion: TagDeletion = {}): Promise<boolean> {
    const { records, digestOf, immutable, journal } = this.#parts;
    const { check, by, isWanted = () => true } = deletion;
    const key = keys.tag(name, tag);
    return this.#locks.hold(key, async () => {
      for (;;) {
        const seen = await records.see<ManifestRecord>(key);
        if (!seen.value || !isWanted(seen.value)) return false;
        check?.(await digestOf(seen.value));
        immutable.refuseDelete(name, tag);
        const { digest, mediaType, size } = seen.value;
        const what = { repository: name, tag, digest, mediaType, size, by };
        const isRemoved = await removeNoted(
          journal,
          { type: 'tag.deleted', ...what },
          {
            remove: () => records.remove(key, seen),
            isThere: () => records.has(key),
          },
        );
        if (isRemoved) return true;
      }
    });
  }

  /** The record of every manifest, in the order of their digests. */
  async *list(
    name: RepositoryName,
    options: CallOptions = {},
  ): AsyncGenerator<ManifestRecord, void, undefined> {
    const { records } = this.#parts;
    for await (const batch of inBatches(records.entries(keys.manifests(name), options))) {
      const found = await Promise.all(batch.map(({ key }) => records.get<ManifestRecord>(key)));
      for (const record of found) if (record) yield record;
    }
  }

  /** What a tag points to, whether or not it is there. */
  tagged(name: RepositoryName, tag: Tag): Promise<ManifestRecord | undefined> {
    return this.#parts.records.get<ManifestRecord>(keys.tag(name, tag));
  }

  /** The record of a manifest, whether or not its content is there. */
  recordOf(name: RepositoryName, digest: Digest): Promise<ManifestRecord | undefined> {
    return this.#parts.records.get<ManifestRecord>(keys.manifest(name, digest));
  }

  /** Tags in ASCII order. */
  async *tags(
    name: RepositoryName,
    { after, ...options }: ListOptions<Tag> = {},
  ): AsyncGenerator<Tag, void, undefined> {
    const start = after === undefined ? {} : { after: keys.tag(name, after) };
    for await (const { key } of this.#parts.records.entries(keys.tags(name), {
      ...start,
      ...options,
    }))
      yield tagOfKey(key);
  }

  /** The referrers of a subject, which need not be there (yet). */
  async *referrers(
    name: RepositoryName,
    subject: Digest,
    { after, ...options }: ListOptions<Digest> = {},
  ): AsyncGenerator<Descriptor, void, undefined> {
    const { records } = this.#parts;
    const start = after === undefined ? {} : { after: keys.referrer(name, subject, after) };
    const found = records.entries(keys.referrers(name, subject), { ...start, ...options });
    for await (const batch of inBatches(found)) {
      const entries = await Promise.all(batch.map(({ key }) => records.get<Descriptor>(key)));
      for (const entry of entries) if (entry) yield withinBound(entry);
    }
  }
}

async function* inBatches<T>(all: AsyncIterable<T>): AsyncGenerator<readonly T[], void, undefined> {
  let batch: T[] = [];
  for await (const each of all) {
    batch.push(each);
    if (batch.length < atOnce) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
