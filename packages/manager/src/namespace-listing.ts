import type { Cache } from '@oci/cache';
import {
  type EventListener,
  OciError,
  type RepositoryName,
  type ResolvedManifest,
  type Tag,
  isBookkeepingTag,
  parseRepositoryName,
} from '@oci/spec-types';

import type { ArtifactSource } from './artifact-source.js';
import { type Artifact, artifactOf, byNameAndVersion, listArtifacts } from './artifact-list.js';
import type { FreshnessPolicy } from './freshness.js';
import type { ManifestLookup } from './manifest-lookup.js';
import { cacheLeftOut, isCacheFailure } from './past-cache.js';

/** Where a namespace is listed from. */
export interface NamespaceSources {
  readonly registry: ArtifactSource;
  /** Repositories to list where the registry has no catalog. */
  readonly repositories: readonly string[];
  readonly policy: FreshnessPolicy;
  readonly open: () => Promise<OpenedCache>;
}

interface OpenedCache {
  readonly cache: Cache;
  readonly lookup: ManifestLookup;
}

interface ListOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: EventListener | undefined;
}

/** Every version of every artifact of a namespace: as the registry says, or offline what is in the cache. */
export async function listNamespace(
  namespace: string,
  sources: NamespaceSources,
  options: ListOptions,
): Promise<readonly Artifact[]> {
  const { registry, repositories, policy } = sources;
  if (policy.offline) return listCached(namespace, sources, options);
  const inUse = new CacheInUse(options);
  const opened = await inUse.try(sources.open);
  const manifestOf = async (
    repository: RepositoryName,
    tag: Tag,
    signal: AbortSignal,
  ): Promise<ResolvedManifest> => {
    const name = { registry: registry.host, repository, tag };
    const here = opened?.cache.mayKnow(name)
      ? await inUse.try(() => opened.lookup.peek(name, { policy, signal }))
      : undefined;
    return here ?? registry.repository(repository).fetchTag(tag, { ...options, signal });
  };
  const notes = opened && inUse.notesOf(opened.cache);
  return listArtifacts(namespace, { registry, repositories, policy, notes, manifestOf }, options);
}

async function listCached(
  namespace: string,
  { registry, policy, open }: NamespaceSources,
  { signal }: ListOptions,
): Promise<readonly Artifact[]> {
  const prefix = `${parseRepositoryName(namespace)}/`;
  const { cache, lookup } = await open();
  const artifacts: Artifact[] = [];
  for await (const { key } of cache.references.list()) {
    const { repository, tag } = key;
    if (key.registry !== registry.host || !repository.startsWith(prefix)) continue;
    const manifest = isBookkeepingTag(tag) ? undefined : await lookup.peek(key, { policy, signal });
    if (manifest) artifacts.push(artifactOf(repository.slice(prefix.length), tag, manifest));
  }
  if (artifacts.length > 0) return artifacts.sort(byNameAndVersion);
  throw new OciError('OFFLINE', `nothing of ${namespace} is in the cache`, {
    hint: 'List it, or pull something, once without --offline.',
  });
}

/** Uses the cache until it fails; from then on it is left out, which one warning says. */
class CacheInUse {
  readonly #onEvent: EventListener | undefined;
  #isLeftOut = false;

  constructor({ onEvent }: ListOptions) {
    this.#onEvent = onEvent;
  }

  /** @returns undefined when the cache failed, now or before */
  async try<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return this.#isLeftOut ? undefined : await work();
    } catch (error) {
      if (!isCacheFailure(error)) throw error;
      if (!this.#isLeftOut) this.#onEvent?.(cacheLeftOut(error));
      this.#isLeftOut = true;
      return undefined;
    }
  }

  notesOf({ listingNotes }: Cache): Pick<Cache['listingNotes'], 'read' | 'write'> {
    return {
      read: async (place) => (await this.try(() => listingNotes.read(place))) ?? new Map(),
      write: (place, tags) => this.try(() => listingNotes.write(place, tags)),
    };
  }
}
