import { type Cache, type ManifestLru, type ReferenceEntry, referenceId } from '@oci/cache';
import {
  type Descriptor,
  type Digest,
  type EventListener,
  OciError,
  type RepositoryName,
  type ResolvedManifest,
  type Tag,
  formatReference,
  isOciError,
  maxManifestSize,
  singleChunk,
  isExactVersion,
} from '@oci/spec-types';
import { readBytes, verifyManifest } from '@oci/spec-types/node';

import type { SourceRepository } from './artifact-source.js';
import { type FreshnessPolicy, isFresh, mayServeStale } from './freshness.js';
import { type ManifestName, memoryKey } from './manifest-name.js';

export interface FoundManifest {
  readonly manifest: ResolvedManifest;
  /** Whether the registry was not asked for the content. */
  readonly fromCache: boolean;
}

/** Hears of what a tag did. */
export interface LookupListener {
  readonly onMoved: () => void;
  readonly onStale: () => void;
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
  readonly #connect: (name: Pick<ManifestName, 'registry' | 'repository'>) => SourceRepository;
  readonly #listener: LookupListener;

  constructor(parts: {
    cache: Cache;
    memory: ManifestLru;
    connect: (name: Pick<ManifestName, 'registry' | 'repository'>) => SourceRepository;
    listener: LookupListener;
  }) {
    this.#cache = parts.cache;
    this.#memory = parts.memory;
    this.#connect = parts.connect;
    this.#listener = parts.listener;
  }

  /** @throws OciError `MANIFEST_UNKNOWN`, `OFFLINE`, and what the registry and the disk can fail with */
  async find(name: ManifestName, options: LookupOptions): Promise<FoundManifest> {
    const known = await this.#used(name, options);
    if (known) return known;
    if (options.policy.offline) throw notInCache(name);
    if (options.policy.refresh) return this.#ask(name, options);
    // Whoever asks at the same time, in whichever process, takes what the first brings.
    const turn = `reference-${referenceId(name)}`;
    const ask = async (): Promise<FoundManifest> =>
      (await this.#used(name, options)) ?? (await this.#ask(name, options));
    return this.#cache.downloads.inTurn(turn, ask, options.signal);
  }

  /** What is here and may stand for a name, without asking anybody, and without counting as a use. */
  async peek(name: ManifestName, options: LookupOptions): Promise<ResolvedManifest | undefined> {
    return this.#known(name, options);
  }

  async #used(name: ManifestName, options: LookupOptions): Promise<FoundManifest | undefined> {
    const manifest = await this.#known(name, options);
    if (!manifest) return undefined;
    await this.#cache.references.use(name);
    return { manifest, fromCache: true };
  }

  async #ask(name: ManifestName, options: LookupOptions): Promise<FoundManifest> {
    const entry = await this.#cache.references.get(name);
    const held = entry && (await this.#load(entry, options));
    if (!entry || !held) return this.#fetch(name, options);
    try {
      return await this.#revalidate(name, { entry, held }, options);
    } catch (error) {
      if (!mayServeStale(options.policy, entry.resolvedAt, error)) throw error;
      this.#listener.onStale();
      options.onEvent?.({
        type: 'stale',
        reference: formatReference(name),
        ageMs: Math.max(0, Date.now() - entry.resolvedAt),
        reason: error.message,
      });
      await this.#cache.references.use(name);
      return { manifest: held, fromCache: true };
    }
  }

  /** Puts a manifest that is being used back, when somebody removed it between its lookup and its lease. */
  async keep(
    name: ManifestName,
    { descriptor, bytes }: ResolvedManifest,
    options: LookupOptions,
  ): Promise<void> {
    const { references, content } = this.#cache;
    if (!(await content.get(descriptor, options)))
      await content.pushBlob(descriptor, singleChunk(bytes), options);
    if (!(await references.get(name))) await references.set(name, entryOf(descriptor, name));
  }

  /** What a descriptor of an index or a subject points to; its digest can't be stale. */
  async findChild(
    name: Pick<ManifestName, 'registry' | 'repository'>,
    child: Descriptor,
    options: LookupOptions,
  ): Promise<FoundManifest> {
    const held = await this.#load(child, options);
    if (held) return { manifest: held, fromCache: true };
    if (options.policy.offline)
      throw notInCache({ repository: name.repository, digest: child.digest });
    const manifest = await this.#connect(name).fetchManifest(child, call(options));
    await this.#store(manifest, options);
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
    { entry, held }: { entry: Descriptor; held: ResolvedManifest },
    options: LookupOptions,
  ): Promise<FoundManifest> {
    const current = await this.#connect(name).resolve(name.tag, call(options));
    if (current.digest === entry.digest) {
      await this.#remember(name, held);
      return { manifest: held, fromCache: true };
    }
    const found = await this.#fetch(name, options);
    const to = found.manifest.descriptor.digest;
    if (to !== entry.digest) {
      this.#listener.onMoved();
      const reference = formatReference(name);
      options.onEvent?.({ type: 'moved', reference, from: entry.digest, to });
    }
    return found;
  }

  async #fetch(name: ManifestName, options: LookupOptions): Promise<FoundManifest> {
    const manifest = await this.#connect(name).fetch(name.tag, call(options));
    await this.#store(manifest, options);
    await this.#remember(name, manifest);
    return { manifest, fromCache: false };
  }

  async #store({ descriptor, bytes }: ResolvedManifest, options: LookupOptions): Promise<void> {
    await this.#cache.content.pushBlob(descriptor, singleChunk(bytes), options);
  }

  async #remember(name: ManifestName, manifest: ResolvedManifest): Promise<void> {
    await this.#cache.references.set(name, entryOf(manifest.descriptor, name));
    this.#memory.set(memoryKey(name), manifest);
  }

  async #load(
    descriptor: Descriptor,
    options: LookupOptions,
  ): Promise<ResolvedManifest | undefined> {
    if (!(await this.#cache.content.hasBlob(descriptor, options))) return undefined;
    try {
      const body = await this.#cache.content.fetchBlob(descriptor, options);
      const bytes = await readBytes(body, { limit: maxManifestSize, what: descriptor.digest });
      return verifyManifest(bytes, descriptor);
    } catch (error) {
      // A manifest that was damaged on the disk is asked for again, as if it had not been here.
      if (isOciError(error, 'DIGEST_MISMATCH', 'SIZE_MISMATCH', 'BLOB_UNKNOWN')) return undefined;
      throw error;
    }
  }
}

function entryOf({ digest, mediaType, size }: Descriptor, name: ManifestName): ReferenceEntry {
  return { digest, mediaType, size, resolvedAt: Date.now(), source: name.registry };
}

function call(options: LookupOptions): { signal?: AbortSignal; onEvent?: EventListener } {
  return {
    ...(options.signal && { signal: options.signal }),
    ...(options.onEvent && { onEvent: options.onEvent }),
  };
}

/** The failure of a call that may ask no registry. */
export function notInCache(name: {
  repository: RepositoryName;
  tag?: Tag;
  digest?: Digest;
}): OciError {
  const what = name.tag ? `${name.repository}:${name.tag}` : `${name.repository}@${name.digest}`;
  return new OciError('OFFLINE', `${what} is not in the cache`, {
    hint: 'Pull it once while the registry may be asked.',
    reason: { kind: 'not-cached', what: 'content' },
  });
}
