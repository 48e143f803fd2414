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

import type { EventJournal, Origin, RegistryEvent } from '../events/journal.js';
import type { HostedBlobs } from './blobs.js';
import type { FoundContent, HostedContent } from './content.js';
import { KeyLocks } from './key-locks.js';
import { keys, tagOfKey } from './keys.js';
import { type ManifestPut, ManifestPush } from './manifest-push.js';
import type { ManifestRecord, StateCheck } from './manifest-record.js';
import type { Records, Seen } from './records.js';
import { withinBound } from './referrer-entry.js';
import type { Repositories } from './repositories.js';

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

/** How a manifest or a tag is deleted. */
export interface Deletion {
  readonly check?: StateCheck | undefined;
  /** Who deletes it, for events. */
  readonly by?: Origin | undefined;
}

/** Tags or referrers that are read at the same time. */
const atOnce = 16;

interface ManifestParts {
  readonly records: Records;
  readonly blobs: HostedBlobs;
  readonly content: HostedContent;
  readonly repositories: Repositories;
  readonly journal: EventJournal;
}

/** The manifests and tags of repositories; bytes as they were pushed. */
export class HostedManifests {
  readonly #parts: ManifestParts;
  /** Keep changes of this process out of each other's way; between processes the conditions of records do. */
  readonly #locks = new KeyLocks();

  constructor(parts: ManifestParts) {
    this.#parts = parts;
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
   * @throws OciError `BLOB_UNKNOWN`, `LIMIT_EXCEEDED`, and what a check throws
   */
  async put(name: RepositoryName, manifest: ResolvedManifest, put: ManifestPut): Promise<void> {
    const { digest } = manifest.descriptor;
    const { content } = this.#parts;
    const parts = {
      ...this.#parts,
      digestOf: async (record: ManifestRecord | undefined) =>
        (record && (await content.locate(record.digest)))?.digest,
    };
    const push = new ManifestPush(parts, { name, manifest, put });
    // Whoever holds a manifest may wait for tags in their order, but never the other way round.
    const sorted = [...new Set(put.tags)].sort();
    const held = [keys.manifest(name, digest), ...sorted.map((tag) => keys.tag(name, tag))];
    await this.#locks.holdAll(held, () => push.run());
  }

  /** Removes a manifest, its tags and its place among referrers. @returns whether it was there */
  async delete(name: RepositoryName, digest: Digest, deletion: Deletion = {}): Promise<boolean> {
    const { records, blobs, content } = this.#parts;
    const key = keys.manifest(name, digest);
    return this.#locks.hold(key, async () => {
      const tags = new Set<Tag>();
      for (;;) {
        const seen = await records.see<ManifestRecord>(key);
        if (!seen.value) return false;
        deletion.check?.((await content.locate(digest))?.digest);
        // Who points a tag at it from now on sees that it goes.
        const marked = await records.write(key, { ...seen.value, isDeleting: true }, seen);
        if (!marked) continue;
        await this.#removeTagsOf(name, digest, tags);
        const { subject, mediaType, size } = seen.value;
        if (subject) await records.removeIf(keys.referrer(name, subject, digest), () => true);
        // Before the record: who writes one behind it looks whether the content is still there.
        await blobs.forget(name, digest);
        const what = { repository: name, digest, mediaType, size, by: deletion.by };
        // Before the record, too: a deletion that could not be noted is asked for again.
        const event = { type: 'manifest.deleted', tags: [...tags], ...what } as const;
        if (await this.#remove(key, marked, event)) return true;
      }
    });
  }

  async deleteTag(name: RepositoryName, tag: Tag, deletion: Deletion = {}): Promise<boolean> {
    const { records, content } = this.#parts;
    const key = keys.tag(name, tag);
    return this.#locks.hold(key, async () => {
      for (;;) {
        const seen = await records.see<ManifestRecord>(key);
        if (!seen.value) return false;
        const { digest, mediaType, size } = seen.value;
        deletion.check?.((await content.locate(digest))?.digest);
        const what = { repository: name, tag, digest, mediaType, size, by: deletion.by };
        const event = { type: 'tag.deleted', ...what } as const;
        if (await this.#remove(key, seen, event)) return true;
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
      for (const record of found) if (record && !record.isDeleting) yield record;
    }
  }

  /** What a tag points to, whether or not it is there. */
  tagged(name: RepositoryName, tag: Tag): Promise<ManifestRecord | undefined> {
    return this.#parts.records.get<ManifestRecord>(keys.tag(name, tag));
  }

  /** The record of a manifest, whether or not its content is there. */
  async recordOf(name: RepositoryName, digest: Digest): Promise<ManifestRecord | undefined> {
    const record = await this.#parts.records.get<ManifestRecord>(keys.manifest(name, digest));
    return record?.isDeleting ? undefined : record;
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

  /** Notes a deletion and does it; takes the event back when it is not done. @returns whether it is */
  async #remove(key: string, seen: Seen<ManifestRecord>, event: RegistryEvent): Promise<boolean> {
    const { records, journal } = this.#parts;
    const prepared = await journal.prepare(event);
    try {
      const isRemoved = await records.remove(key, seen);
      if (isRemoved) prepared.confirm();
      else await prepared.takeBack();
      return isRemoved;
    } catch (error) {
      // It may have been removed all the same, and who asks again would not find it.
      if (await records.has(key).catch(() => false)) await prepared.takeBack();
      else prepared.confirm();
      throw error;
    }
  }

  /** @param removed gets the tags that were removed */
  async #removeTagsOf(name: RepositoryName, digest: Digest, removed: Set<Tag>): Promise<void> {
    const isOf = ({ value }: Seen<ManifestRecord>): boolean => value?.digest === digest;
    const { records } = this.#parts;
    for await (const batch of inBatches(this.tags(name)))
      await Promise.all(
        batch.map(async (tag) => {
          const key = keys.tag(name, tag);
          const isRemoved = await this.#locks.hold(key, () =>
            records.removeIf<ManifestRecord>(key, isOf),
          );
          if (isRemoved) removed.add(tag);
        }),
      );
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
