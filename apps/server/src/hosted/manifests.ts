import type { ObjectStore } from '@oci/cache';
import {
  type Descriptor,
  type Digest,
  type Manifest,
  OciError,
  type RepositoryName,
  type ResolvedManifest,
  type Tag,
  artifactTypeOf,
  childrenOf,
} from '@oci/spec-types';
import { verifyManifest } from '@oci/spec-types/node';

import type { HostedBlobs } from './blobs.js';
import type { HostedContent } from './content.js';
import { bytes, getJson, putJson } from './json-object.js';
import { keys, tagOfKey } from './keys.js';
import { RecordMemory } from './record-memory.js';

/** What a tag, or the record of a manifest, says. */
interface ManifestRecord {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly pushedAt: number;
}

/** The manifests and tags of repositories; bytes as they were pushed. */
export class HostedManifests {
  readonly #store: ObjectStore;
  readonly #blobs: HostedBlobs;
  readonly #content: HostedContent;
  readonly #records: RecordMemory;

  constructor(store: ObjectStore, parts: { blobs: HostedBlobs; content: HostedContent }) {
    this.#store = store;
    this.#blobs = parts.blobs;
    this.#content = parts.content;
    this.#records = new RecordMemory(store);
  }

  async resolve(
    name: RepositoryName,
    reference: { tag: Tag } | { digest: Digest },
  ): Promise<Descriptor | undefined> {
    // A tag says all that the record of its manifest does, and goes before it.
    const record =
      'tag' in reference
        ? await this.#tagged(name, reference.tag)
        : await this.#records.get<ManifestRecord>(keys.manifest(name, reference.digest));
    return record && { mediaType: record.mediaType, digest: record.digest, size: record.size };
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

  /** Stores a manifest whose content the repository has, and points tags at it. */
  async put(name: RepositoryName, manifest: ResolvedManifest, tags: readonly Tag[]): Promise<void> {
    await this.#refuseMissingContent(name, manifest);
    const { digest, size } = manifest.descriptor;
    await this.#blobs.put(name, { descriptor: { digest, size }, body: bytes(manifest.bytes) });
    const record: ManifestRecord = {
      mediaType: manifest.mediaType,
      digest,
      size,
      pushedAt: Date.now(),
    };
    await putJson(this.#store, keys.manifest(name, digest), record);
    await this.#addReferrer(name, manifest);
    for (const tag of tags) await putJson(this.#store, keys.tag(name, tag), record);
  }

  /** Removes a manifest, its tags and its place among referrers. @returns whether it was there */
  async delete(name: RepositoryName, digest: Digest): Promise<boolean> {
    const descriptor = await this.resolve(name, { digest });
    if (!descriptor) return false;
    const manifest = await this.read(descriptor).catch(() => undefined);
    for await (const tag of this.tags(name)) {
      if ((await this.#tagged(name, tag))?.digest === digest) await this.deleteTag(name, tag);
    }
    const subject = manifest?.document.subject;
    if (subject) await this.#store.delete(keys.referrer(name, subject.digest, digest));
    await this.#store.delete(keys.manifest(name, digest));
    await this.#blobs.unlink(name, digest);
    return true;
  }

  async deleteTag(name: RepositoryName, tag: Tag): Promise<boolean> {
    if (!(await this.#store.head(keys.tag(name, tag)))) return false;
    await this.#store.delete(keys.tag(name, tag));
    return true;
  }

  /** All tags in ASCII order. */
  async *tags(name: RepositoryName): AsyncGenerator<Tag, void, undefined> {
    const tags: Tag[] = [];
    for await (const key of this.#store.list(keys.tags(name))) tags.push(tagOfKey(key));
    yield* tags.sort((a, b) => (a < b ? -1 : 1));
  }

  /** What refers to a subject, which need not be there (yet). */
  async *referrers(
    name: RepositoryName,
    subject: Digest,
  ): AsyncGenerator<Descriptor, void, undefined> {
    for await (const key of this.#store.list(keys.referrers(name, subject))) {
      const descriptor = await getJson<Descriptor>(this.#store, key);
      if (descriptor) yield descriptor;
    }
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

  async #addReferrer(name: RepositoryName, manifest: ResolvedManifest): Promise<void> {
    const { subject, annotations } = manifest.document;
    if (!subject) return;
    const { digest, size } = manifest.descriptor;
    const artifactType = artifactTypeOf(manifest);
    const entry: Descriptor = {
      mediaType: manifest.mediaType,
      digest,
      size,
      ...(artifactType !== undefined && { artifactType }),
      ...(annotations && { annotations }),
    };
    await putJson(this.#store, keys.referrer(name, subject.digest, digest), entry);
  }
}
