import type { Cache, Lease } from '@oci/cache';
import {
  type BlobDownloader,
  type CallOptions,
  type Descriptor,
  type Digest,
  OciError,
  type ReadableRepository,
  type RegistryHost,
  type RepositoryName,
  type ResolvedManifest,
  type Tag,
  type VerifiedFile,
  isDigest,
  isOciError,
} from '@oci/spec-types';

import type { FreshnessPolicy } from './freshness.js';
import { notInCache } from './manifest-lookup.js';
import { type BlobParts, obtainBlobs } from './pull-blobs.js';

/** A repository whose content comes through the cache. */
export interface ReadThroughRepository extends ReadableRepository, BlobDownloader {
  readonly name: RepositoryName;
  /** `resolve` and `fetchManifest` in one call. */
  fetch(tagOrDigest: Tag | Digest, options?: CallOptions): Promise<ResolvedManifest>;
}

export interface ReadThroughParts extends BlobParts {
  readonly cache: Cache;
  readonly registry: RegistryHost;
  readonly name: RepositoryName;
  readonly policy: FreshnessPolicy;
}

/**
 * Runs work on a repository of which digests come through the cache, each downloaded once for all processes, while the
 * registry is asked for its tags each time. The tags that were read lead to their manifests in the cache when the work
 * is done.
 */
export async function withReadThrough<T>(
  parts: ReadThroughParts,
  work: (repository: ReadThroughRepository) => Promise<T>,
  options: CallOptions,
): Promise<T> {
  await using lease = parts.cache.lease();
  const repository = new ReadThrough(parts, lease);
  const result = await work(repository);
  await repository.noteTags(options);
  return result;
}

class ReadThrough implements ReadThroughRepository {
  readonly name: RepositoryName;
  readonly #parts: ReadThroughParts;
  readonly #lease: Lease;
  readonly #cached: ReturnType<Cache['repository']>;
  readonly #tags = new Map<Tag, ResolvedManifest>();

  constructor(parts: ReadThroughParts, lease: Lease) {
    const { cache, registry, name } = parts;
    this.name = name;
    this.#parts = parts;
    this.#lease = lease;
    this.#cached = cache.repository({ registry, repository: name }, lease);
  }

  async resolve(tagOrDigest: Tag | Digest, options: CallOptions = {}): Promise<Descriptor> {
    const { connect, policy } = this.#parts;
    const isSettled = policy.offline || isDigest(tagOrDigest);
    const known = isSettled ? await this.#known(tagOrDigest, options) : undefined;
    if (known) return known;
    if (policy.offline) throw this.#notHere(tagOrDigest);
    return connect().resolve(tagOrDigest, options);
  }

  /** Asks for a tag by HEAD when the cache knows a manifest that may still be its own. */
  async fetch(tagOrDigest: Tag | Digest, options: CallOptions = {}): Promise<ResolvedManifest> {
    const { connect, policy } = this.#parts;
    const known = await this.#known(tagOrDigest, options);
    const isNew = !known && !policy.offline;
    const manifest = isNew
      ? await this.#keep(await connect().fetch(tagOrDigest, options), options)
      : await this.fetchManifest(await this.resolve(tagOrDigest, options), options);
    if (!isDigest(tagOrDigest)) this.#tags.set(tagOrDigest, manifest);
    return manifest;
  }

  async fetchManifest(
    descriptor: Descriptor,
    options: CallOptions = {},
  ): Promise<ResolvedManifest> {
    const { connect, policy } = this.#parts;
    await this.#lease.add([descriptor.digest], options.signal);
    try {
      return await this.#cached.fetchManifest(descriptor, options);
    } catch (error) {
      if (!isOciError(error, 'MANIFEST_UNKNOWN')) throw error;
      if (policy.offline) throw this.#notHere(descriptor.digest);
      return this.#keep(await connect().fetchManifest(descriptor, options), options);
    }
  }

  async fetchBlob(
    descriptor: Descriptor,
    options: CallOptions = {},
  ): Promise<AsyncIterable<Uint8Array>> {
    await this.#obtain(descriptor, options);
    return this.#parts.cache.content.fetchBlob(descriptor, options);
  }

  async downloadBlob(
    descriptor: Descriptor,
    path: string,
    options: CallOptions = {},
  ): Promise<VerifiedFile> {
    // A blob that is found damaged when it is copied is downloaded anew.
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await this.#obtain(descriptor, options);
      const copied = await this.#parts.cache.content.copyTo(descriptor, path, options);
      if (copied) return copied;
    }
    throw new OciError('STORAGE_FAILED', `${descriptor.digest} is damaged in the cache, again`, {
      hint: 'The disk may be failing, or something else writes to the cache.',
      reason: { kind: 'cache-damaged' },
    });
  }

  /** Has the cache lead from the tags that were read to their manifests. */
  async noteTags(options: CallOptions): Promise<void> {
    for (const [tag, manifest] of this.#tags)
      await this.#cached.pushManifest(manifest, { signal: options.signal, tag });
  }

  async #obtain(descriptor: Descriptor, options: CallOptions): Promise<void> {
    await this.#lease.add([descriptor.digest], options.signal);
    const { policy } = this.#parts;
    await obtainBlobs([descriptor], this.#parts, { ...options, policy, rehash: false });
  }

  async #keep(manifest: ResolvedManifest, options: CallOptions): Promise<ResolvedManifest> {
    await this.#cached.pushManifest(manifest, { signal: options.signal });
    return manifest;
  }

  async #known(name: Tag | Digest, { signal }: CallOptions): Promise<Descriptor | undefined> {
    try {
      return await this.#cached.resolve(name, { signal });
    } catch (error) {
      if (isOciError(error, 'MANIFEST_UNKNOWN')) return undefined;
      throw error;
    }
  }

  #notHere(name: Tag | Digest): OciError {
    const named = isDigest(name) ? { digest: name } : { tag: name };
    return notInCache({ repository: this.name, ...named });
  }
}
