import type { Cache, ManifestKey, ManifestLru } from '@oci/cache';
import type { RemoteRepository } from '@oci/client';
import {
  type Descriptor,
  type Digest,
  type EventListener,
  OciError,
  type RegistryHost,
  type RepositoryName,
  type ResolvedManifest,
  type Tag,
  isOciError,
} from '@oci/spec-types';
import { verifyManifest } from '@oci/spec-types/node';

import { type FreshnessPolicy, isExactVersion, isFresh } from './freshness.js';

/** What a manifest is asked for by. */
export interface ManifestName {
  readonly registry: RegistryHost;
  readonly repository: RepositoryName;
  readonly tag: Tag;
}

export interface FoundManifest {
  readonly manifest: ResolvedManifest;
  /** Whether the registry was not asked for the content. */
  readonly fromCache: boolean;
}

export interface LookupOptions {
  readonly policy: FreshnessPolicy;
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: EventListener | undefined;
}

/**
 * From a tag to a manifest: memory, then disk, then the registry, as the freshness policy allows.
 * What came from the registry is on disk and in memory when it is returned.
 */
export class ManifestLookup {
  readonly #cache: Cache;
  readonly #memory: ManifestLru;
  readonly #connect: (repository: RepositoryName) => RemoteRepository;

  constructor(parts: {
    cache: Cache;
    memory: ManifestLru;
    connect: (repository: RepositoryName) => RemoteRepository;
  }) {
    this.#cache = parts.cache;
    this.#memory = parts.memory;
    this.#connect = parts.connect;
  }

  /** @throws OciError `MANIFEST_UNKNOWN`, `OFFLINE`, and what the registry and the disk can fail with */
  async find(name: ManifestName, options: LookupOptions): Promise<FoundManifest> {
    const known = await this.#known(name, options);
    if (known) return { manifest: known, fromCache: true };
    if (options.policy.offline) throw notInCache(name);
    return (await this.#revalidate(name, options)) ?? this.#fetch(name, options);
  }

  /** What a descriptor of an index or a subject points to; its digest can't be stale. */
  async findChild(
    repository: RepositoryName,
    child: Descriptor,
    options: LookupOptions,
  ): Promise<FoundManifest> {
    const held = await this.#load(child, options);
    if (held) return { manifest: held, fromCache: true };
    if (options.policy.offline) throw notInCache({ repository, digest: child.digest });
    const manifest = await this.#connect(repository).fetchManifest(child, call(options));
    await this.#cache.content.pushBlob(manifest.descriptor, once(manifest.bytes), options);
    return { manifest, fromCache: false };
  }

  async #known(name: ManifestName, options: LookupOptions): Promise<ResolvedManifest | undefined> {
    if (options.policy.refresh) return undefined;
    const held = this.#memory.get(memoryKey(name));
    if (held && isExactVersion(name.tag)) return held;
    const entry = await this.#cache.references.get(name);
    if (!entry || !isFresh(options.policy, { tag: name.tag, resolvedAt: entry.resolvedAt }))
      return undefined;
    if (held?.descriptor.digest === entry.digest) return held;
    const manifest = await this.#load(entry, options);
    if (manifest) this.#memory.set(memoryKey(name), manifest);
    return manifest;
  }

  /** One HEAD instead of a GET when a manifest that is here may still be the tag's. */
  async #revalidate(
    name: ManifestName,
    options: LookupOptions,
  ): Promise<FoundManifest | undefined> {
    const entry = await this.#cache.references.get(name);
    if (!entry) return undefined;
    const held = await this.#load(entry, options);
    if (!held) return undefined;
    const current = await this.#connect(name.repository).resolve(name.tag, call(options));
    if (current.digest !== entry.digest) {
      const message = `${name.repository}:${name.tag} moved from ${entry.digest} to ${current.digest}`;
      options.onEvent?.({ type: 'warning', message });
      return undefined;
    }
    await this.#remember(name, held);
    return { manifest: held, fromCache: true };
  }

  async #fetch(name: ManifestName, options: LookupOptions): Promise<FoundManifest> {
    const manifest = await this.#connect(name.repository).fetchTag(name.tag, call(options));
    await this.#cache.content.pushBlob(manifest.descriptor, once(manifest.bytes), options);
    await this.#remember(name, manifest);
    return { manifest, fromCache: false };
  }

  async #remember(name: ManifestName, manifest: ResolvedManifest): Promise<void> {
    const { digest, mediaType, size } = manifest.descriptor;
    const entry = { digest, mediaType, size, resolvedAt: Date.now(), source: name.registry };
    await this.#cache.references.set(name, entry);
    this.#memory.set(memoryKey(name), manifest);
  }

  async #load(
    descriptor: Descriptor,
    options: LookupOptions,
  ): Promise<ResolvedManifest | undefined> {
    if (!(await this.#cache.content.hasBlob(descriptor, options))) return undefined;
    try {
      const chunks: Uint8Array[] = [];
      for await (const chunk of await this.#cache.content.fetchBlob(descriptor, options))
        chunks.push(chunk);
      return verifyManifest(Buffer.concat(chunks), descriptor);
    } catch (error) {
      // A manifest that was damaged on the disk is asked for again, as if it had not been here.
      if (isOciError(error, 'DIGEST_MISMATCH', 'SIZE_MISMATCH', 'BLOB_UNKNOWN')) return undefined;
      throw error;
    }
  }
}

function memoryKey(name: ManifestName): ManifestKey {
  return { registry: name.registry, repository: name.repository, reference: name.tag };
}

function call(options: LookupOptions): { signal?: AbortSignal; onEvent?: EventListener } {
  return {
    ...(options.signal && { signal: options.signal }),
    ...(options.onEvent && { onEvent: options.onEvent }),
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function notInCache(name: { repository: RepositoryName; tag?: Tag; digest?: Digest }): OciError {
  const what = name.tag ? `${name.repository}:${name.tag}` : `${name.repository}@${name.digest}`;
  return new OciError('OFFLINE', `${what} is not in the cache`, {
    hint: 'Pull it once without --offline.',
  });
}
