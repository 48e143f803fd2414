import { readFile } from 'node:fs/promises';

import {
  type CallOptions,
  type Descriptor,
  type Digest,
  OciError,
  type ReferrerLister,
  type RegistryHost,
  type Repository,
  type RepositoryName,
  type ResolvedManifest,
  type Tag,
  type TagDeleter,
  artifactTypeOf,
  childrenOf,
  formatReference,
  isDigest,
  isOciError,
  maxManifestSize,
  parseManifest,
  throwIfAborted,
  verifiableAlgorithm,
  singleChunk,
} from '@oci/spec-types';
import { verifyManifest } from '@oci/spec-types/node';

import type { ContentStore } from './content-store.js';
import type { Inventory } from './inventory.js';
import type { LayoutIndex } from './layout-index.js';
import type { ReferenceKey } from './layout.js';
import type { ReferrerStore } from './referrer-store.js';

/** What a repository is kept in; a `Cache` is one. */
export interface RepositoryParts {
  readonly content: ContentStore;
  readonly inventory: Inventory;
  readonly index: LayoutIndex;
  readonly referrers: ReferrerStore;
}

/** Which repository of which registry. */
export interface RepositoryPlace {
  readonly registry: RegistryHost;
  readonly repository: RepositoryName;
}

/**
 * A repository as it is in the cache. Content is found under its digest in whichever repository it came;
 * tags are a repository's own. What is pushed and that no tag or manifest comes to hold goes after an hour.
 */
export class CachedRepository implements Repository, ReferrerLister, TagDeleter {
  readonly place: RepositoryPlace;
  readonly #parts: RepositoryParts;

  constructor(parts: RepositoryParts, place: RepositoryPlace) {
    this.#parts = parts;
    this.place = place;
  }

  async resolve(tagOrDigest: Tag | Digest, options: CallOptions = {}): Promise<Descriptor> {
    throwIfAborted(options.signal);
    const found = isDigest(tagOrDigest)
      ? await this.#describe(tagOrDigest)
      : await this.#tagged(tagOrDigest);
    if (found && (await this.#parts.content.size(found.digest)) === found.size) return found;
    throw unknown(this.place, tagOrDigest);
  }

  async fetchManifest(
    descriptor: Descriptor,
    options: CallOptions = {},
  ): Promise<ResolvedManifest> {
    throwIfAborted(options.signal);
    const blob = await this.#parts.content.get(descriptor, options);
    if (!blob) throw unknown(this.place, descriptor.digest);
    return verifyManifest(await readFile(blob.path), descriptor);
  }

  async fetchBlob(
    descriptor: Descriptor,
    options: CallOptions = {},
  ): Promise<AsyncIterable<Uint8Array>> {
    throwIfAborted(options.signal);
    // Looked at first, so that one that was damaged is absent and not half a body.
    await this.#parts.content.get(descriptor, options);
    return this.#parts.content.fetchBlob(descriptor, options);
  }

  async hasBlob(descriptor: Descriptor, options: CallOptions = {}): Promise<boolean> {
    throwIfAborted(options.signal);
    return this.#parts.content.hasBlob(descriptor, options);
  }

  async pushBlob(
    descriptor: Descriptor,
    body: AsyncIterable<Uint8Array>,
    options: CallOptions = {},
  ): Promise<void> {
    throwIfAborted(options.signal);
    verifiableAlgorithm(descriptor.digest);
    await this.#parts.inventory.expect(descriptor.digest);
    await this.#parts.content.pushBlob(descriptor, body, options);
  }

  async pushManifest(
    manifest: ResolvedManifest,
    options: CallOptions & { readonly tag?: Tag | undefined } = {},
  ): Promise<void> {
    throwIfAborted(options.signal);
    const { content, inventory } = this.#parts;
    const { descriptor, bytes } = manifest;
    await inventory.hold(descriptor.digest, childrenOf(manifest));
    await this.#noteSubject(manifest);
    await inventory.expect(descriptor.digest);
    await content.pushBlob(descriptor, singleChunk(bytes), options);
    if (options.tag !== undefined) await this.#name(options.tag, descriptor);
  }

  async *listTags(options: CallOptions = {}): AsyncGenerator<Tag, void, undefined> {
    throwIfAborted(options.signal);
    for await (const { key } of this.#parts.inventory.references.list(this.place)) {
      throwIfAborted(options.signal);
      yield key.tag;
    }
  }

  async *listReferrers(
    subject: Pick<Descriptor, 'digest'>,
    options: CallOptions & { readonly artifactType?: string | undefined } = {},
  ): AsyncGenerator<Descriptor, void, undefined> {
    throwIfAborted(options.signal);
    const { artifactType } = options;
    for await (const referrer of this.#parts.referrers.list(subject.digest)) {
      throwIfAborted(options.signal);
      if (artifactType === undefined || referrer.artifactType === artifactType) yield referrer;
    }
  }

  async deleteTag(tag: Tag, options: CallOptions = {}): Promise<void> {
    throwIfAborted(options.signal);
    const { inventory, index } = this.#parts;
    const key = this.#key(tag);
    if (!(await inventory.references.get(key))) throw unknown(this.place, tag);
    await index.remove([key]);
    await inventory.unname(key);
  }

  async #name(tag: Tag, { digest, mediaType, size }: Descriptor): Promise<void> {
    const { inventory, index } = this.#parts;
    const key = this.#key(tag);
    const source = this.place.registry;
    const entry = { digest, mediaType, size, resolvedAt: Date.now(), source };
    await inventory.name(key, entry);
    await index.add({ descriptor: entry, name: key });
    await inventory.indexed(key);
  }

  /** A referrer stays as long as its subject. */
  async #noteSubject(manifest: ResolvedManifest): Promise<void> {
    const { subject, annotations } = manifest.document;
    if (!subject) return;
    const { mediaType, digest, size } = manifest.descriptor;
    const artifactType = artifactTypeOf(manifest);
    await this.#parts.inventory.hold(subject.digest, [manifest.descriptor]);
    await this.#parts.referrers.add(subject.digest, {
      mediaType,
      digest,
      size,
      ...(artifactType !== undefined && { artifactType }),
      ...(annotations && { annotations }),
    });
  }

  async #tagged(tag: Tag): Promise<Descriptor | undefined> {
    const entry = await this.#parts.inventory.references.get(this.#key(tag));
    return entry && { mediaType: entry.mediaType, digest: entry.digest, size: entry.size };
  }

  /** Of what is a manifest by its bytes. */
  async #describe(digest: Digest): Promise<Descriptor | undefined> {
    const { content } = this.#parts;
    const size = await content.size(digest);
    if (size === undefined || size > maxManifestSize) return undefined;
    try {
      const { mediaType } = parseManifest(await readFile(content.pathOf(digest)));
      return { mediaType, digest, size };
    } catch (error) {
      if (isOciError(error)) return undefined;
      throw error;
    }
  }

  #key(tag: Tag): ReferenceKey {
    return { ...this.place, tag };
  }
}

function unknown(place: RepositoryPlace, what: Tag | Digest): OciError {
  const reference = formatReference({
    ...place,
    ...(isDigest(what) ? { digest: what } : { tag: what }),
  });
  return new OciError('MANIFEST_UNKNOWN', `${reference} is not in the cache`);
}
