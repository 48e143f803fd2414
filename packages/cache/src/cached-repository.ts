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
import type { ReferenceKey } from './cache-format.js';
import type { ReferenceStore } from './reference-store.js';
import type { ReferrerStore } from './referrer-store.js';
import type { Lease } from './state/leases.js';

/** What a repository is kept in; a `Cache` is one. */
export interface RepositoryParts {
  readonly content: ContentStore;
  readonly references: ReferenceStore;
  readonly referrers: ReferrerStore;
}

/** Which repository of which registry. */
export interface RepositoryPlace {
  readonly registry: RegistryHost;
  readonly repository: RepositoryName;
}

/**
 * A repository as it is in the cache. Content is found under its digest in whichever repository it came;
 * tags are a repository's own. What is pushed and no tag leads to goes with a pruning an hour later.
 */
export class CachedRepository implements Repository, ReferrerLister, TagDeleter {
  readonly place: RepositoryPlace;
  readonly #parts: RepositoryParts;
  readonly #lease: Pick<Lease, 'add'> | undefined;

  /** @param lease takes what is pushed, or found to be here already */
  constructor(parts: RepositoryParts, place: RepositoryPlace, lease?: Pick<Lease, 'add'>) {
    this.#parts = parts;
    this.#lease = lease;
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
    await this.#lease?.add([descriptor.digest], options.signal);
    return this.#parts.content.hasBlob(descriptor, options);
  }

  async pushBlob(
    descriptor: Descriptor,
    body: AsyncIterable<Uint8Array>,
    options: CallOptions = {},
  ): Promise<void> {
    throwIfAborted(options.signal);
    verifiableAlgorithm(descriptor.digest);
    await this.#lease?.add([descriptor.digest], options.signal);
    await this.#parts.content.pushBlob(descriptor, body, options);
  }

  async pushManifest(
    manifest: ResolvedManifest,
    options: CallOptions & { readonly tag?: Tag | undefined } = {},
  ): Promise<Descriptor> {
    throwIfAborted(options.signal);
    const { descriptor, bytes } = manifest;
    await this.#lease?.add([descriptor.digest], options.signal);
    await this.#noteSubject(manifest);
    await this.#parts.content.pushBlob(descriptor, singleChunk(bytes), options);
    if (options.tag !== undefined) await this.#name(options.tag, descriptor);
    return descriptor;
  }

  async *listTags(options: CallOptions = {}): AsyncGenerator<Tag, void, undefined> {
    throwIfAborted(options.signal);
    for await (const { key } of this.#parts.references.list(this.place)) {
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
    const { references } = this.#parts;
    const key = this.#key(tag);
    if (!(await references.get(key))) throw unknown(this.place, tag);
    await references.remove([key]);
  }

  async #name(tag: Tag, { digest, mediaType, size }: Descriptor): Promise<void> {
    const { references } = this.#parts;
    const key = this.#key(tag);
    const source = this.place.registry;
    const entry = { digest, mediaType, size, resolvedAt: Date.now(), source };
    await references.set(key, entry);
    await references.complete(key, entry);
  }

  /** A referrer stays as long as its subject. */
  async #noteSubject(manifest: ResolvedManifest): Promise<void> {
    const { subject, annotations } = manifest.document;
    if (!subject) return;
    const { mediaType, digest, size } = manifest.descriptor;
    const artifactType = artifactTypeOf(manifest);
    await this.#parts.referrers.add(subject.digest, {
      mediaType,
      digest,
      size,
      ...(artifactType !== undefined && { artifactType }),
      ...(annotations && { annotations }),
    });
  }

  async #tagged(tag: Tag): Promise<Descriptor | undefined> {
    const entry = await this.#parts.references.get(this.#key(tag));
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
  return new OciError('MANIFEST_UNKNOWN', `${reference} is not in the cache`, {
    hint: 'Pull it first, or ask its registry.',
  });
}
