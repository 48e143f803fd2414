import type { ObjectStore } from '@oci/cache';
import {
  type Descriptor,
  type Digest,
  type Manifest,
  OciError,
  type RepositoryName,
  type ResolvedManifest,
  type Tag,
  childrenOf,
} from '@oci/spec-types';
import { verifyManifest } from '@oci/spec-types/node';

import type { HostedBlobs } from './blobs.js';
import type { HostedContent } from './content.js';
import { bytes, getJson } from './json-object.js';
import { KeyLocks } from './key-locks.js';
import { isReferrerKey, keys, tagOfKey } from './keys.js';
import { RecordChanges } from './record-changes.js';
import { RecordMemory } from './record-memory.js';
import { referrerEntryOf, withinBound } from './referrer-entry.js';

/** What a tag, or the record of a manifest, says. */
interface ManifestRecord {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly pushedAt: number;
}

/** How a manifest is put. */
export interface ManifestPut {
  readonly tags: readonly Tag[];
  /** Runs first, while nothing else changes the manifest or its tags; what it throws ends the change. */
  readonly before?: () => Promise<void>;
  /** Store the manifest although the repository lacks content of it. Default false. */
  readonly isSparse?: boolean;
}

/** The manifests and tags of repositories; bytes as they were pushed. */
export class HostedManifests {
  readonly #store: ObjectStore;
  readonly #blobs: HostedBlobs;
  readonly #content: HostedContent;
  readonly #records: RecordMemory;
  readonly #locks = new KeyLocks();

  constructor(store: ObjectStore, parts: { blobs: HostedBlobs; content: HostedContent }) {
    this.#store = store;
    this.#blobs = parts.blobs;
    this.#content = parts.content;
    this.#records = new RecordMemory(store);
  }

  /** The manifest of a tag or digest; undefined when it is missing, or its content is. */
  async resolve(
    name: RepositoryName,
    reference: { tag: Tag } | { digest: Digest },
  ): Promise<Descriptor | undefined> {
    // A tag says all that the record of its manifest does, and goes before it.
    const record =
      'tag' in reference
        ? await this.#tagged(name, reference.tag)
        : await this.#records.get<ManifestRecord>(keys.manifest(name, reference.digest));
    if (!record || (await this.#content.size(record.digest)) === undefined) return undefined;
    return { mediaType: record.mediaType, digest: record.digest, size: record.size };
  }

  async read(descriptor: Descriptor): Promise<ResolvedManifest> {
    return verifyManifest(await this.readBytes(descriptor), descriptor);
  }

  /** As {@link read}, for who only passes it on. */
  async readBytes(descriptor: Descriptor): Promise<Uint8Array> {
    const bytes = await this.#content.read(descriptor);
    if (!bytes) throw new OciError('MANIFEST_UNKNOWN', `${descriptor.digest} is gone`);
    return bytes;
  }

  /**
   * Stores a manifest, and points tags at it; when that fails, all is as before.
   *
   * @throws OciError `BLOB_UNKNOWN`, `LIMIT_EXCEEDED`
   */
  async put(
    name: RepositoryName,
    manifest: ResolvedManifest,
    { tags, before, isSparse = false }: ManifestPut,
  ): Promise<void> {
    const { subject } = manifest.document;
    const entry = subject && referrerEntryOf(manifest);
    const { digest, size } = manifest.descriptor;
    const record: ManifestRecord = {
      mediaType: manifest.mediaType,
      digest,
      size,
      pushedAt: Date.now(),
    };
    await this.#change(name, { digest, tags }, async (changes) => {
      await before?.();
      if (!isSparse) await this.#refuseMissingContent(name, manifest);
      if (!(await this.#store.head(keys.membership(name, digest))))
        changes.onFailure(() => this.#blobs.forget(name, digest));
      await this.#blobs.put(name, { descriptor: { digest, size }, body: bytes(manifest.bytes) });
      await changes.put(keys.manifest(name, digest), record);
      if (subject) await changes.put(keys.referrer(name, subject.digest, digest), entry);
      for (const tag of tags) await changes.put(keys.tag(name, tag), record);
    });
  }

  /** Removes a manifest, its tags and its place among referrers. @returns whether it was there */
  async delete(
    name: RepositoryName,
    digest: Digest,
    before?: () => Promise<void>,
  ): Promise<boolean> {
    return this.#locks.hold(keys.manifest(name, digest), async () => {
      const record = await this.#records.get<ManifestRecord>(keys.manifest(name, digest));
      if (!record) return false;
      await before?.();
      for await (const tag of this.tags(name)) {
        await this.#locks.hold(keys.tag(name, tag), async () => {
          if ((await this.#tagged(name, tag))?.digest === digest)
            await this.#store.delete(keys.tag(name, tag));
        });
      }
      await this.#removeReferrer(name, record);
      await this.#store.delete(keys.manifest(name, digest));
      await this.#blobs.forget(name, digest);
      return true;
    });
  }

  async deleteTag(name: RepositoryName, tag: Tag, before?: () => Promise<void>): Promise<boolean> {
    return this.#locks.hold(keys.tag(name, tag), async () => {
      if (!(await this.#store.head(keys.tag(name, tag)))) return false;
      await before?.();
      await this.#store.delete(keys.tag(name, tag));
      return true;
    });
  }

  /** All tags in ASCII order. */
  async *tags(name: RepositoryName): AsyncGenerator<Tag, void, undefined> {
    const tags: Tag[] = [];
    for await (const key of this.#store.list(keys.tags(name))) tags.push(tagOfKey(key));
    yield* tags.sort((a, b) => (a < b ? -1 : 1));
  }

  /** The referrers of a subject, which need not be there (yet), behind one when it is given. */
  async *referrers(
    name: RepositoryName,
    subject: Digest,
    after?: Digest,
  ): AsyncGenerator<Descriptor, void, undefined> {
    const start = after === undefined ? {} : { after: keys.referrer(name, subject, after) };
    for await (const key of this.#store.list(keys.referrers(name, subject), start)) {
      const entry = await getJson<Descriptor>(this.#store, key);
      if (entry) yield withinBound(entry);
    }
  }

  /** Takes back what a change wrote when it fails. Nothing else changes the manifest, or its tags, meanwhile. */
  #change(
    name: RepositoryName,
    { digest, tags }: { readonly digest: Digest; readonly tags: readonly Tag[] },
    work: (changes: RecordChanges) => Promise<void>,
  ): Promise<void> {
    // Whoever holds a manifest may wait for tags in their order, but never the other way round.
    const sorted = [...new Set(tags)].sort();
    const held = [keys.manifest(name, digest), ...sorted.map((tag) => keys.tag(name, tag))];
    return this.#locks.holdAll(held, () => RecordChanges.make(this.#store, work));
  }

  async #removeReferrer(name: RepositoryName, record: Descriptor): Promise<void> {
    const manifest = await this.read(record).catch(() => undefined);
    const subject = manifest?.document.subject;
    if (subject) await this.#store.delete(keys.referrer(name, subject.digest, record.digest));
    if (manifest) return;
    // What can not be read does not say whose list it is in.
    for await (const key of this.#store.list(keys.allReferrers(name)))
      if (isReferrerKey(key, record.digest)) await this.#store.delete(key);
  }

  #tagged(name: RepositoryName, tag: Tag): Promise<ManifestRecord | undefined> {
    return this.#records.get<ManifestRecord>(keys.tag(name, tag));
  }

  /** A subject may be missing (distribution-spec, "Pushing Manifests with Subject"); content may not. */
  async #refuseMissingContent(name: RepositoryName, manifest: Manifest): Promise<void> {
    const missing = async (descriptor: Descriptor, has: boolean): Promise<void> => {
      if (has || descriptor.urls?.length) return;
      throw new OciError('BLOB_UNKNOWN', `${name} does not have ${descriptor.digest}`);
    };
    if (manifest.kind === 'index') {
      for (const child of manifest.document.manifests) {
        await missing(child, (await this.resolve(name, { digest: child.digest })) !== undefined);
      }
    } else {
      for (const blob of childrenOf(manifest)) {
        await missing(blob, (await this.#blobs.size(name, blob.digest)) !== undefined);
      }
    }
  }
}
