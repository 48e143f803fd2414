import type { Cache } from '@oci/cache';
import {
  type EventListener,
  OciError,
  type RegistryHost,
  type RepositoryName,
  type ResolvedManifest,
  type Tag,
  isBookkeepingTag,
} from '@oci/spec-types';
import { forEachConcurrent } from '@oci/spec-types/node';

import { type Artifact, artifactOf, byNameAndVersion, listedTag } from '../artifact.js';
import { listArtifacts } from './registry-listing.js';
import type { ArtifactSource } from '../artifact-source.js';
import type { FreshnessPolicy } from '../freshness.js';
import type { OpenedCache } from '../manager-cache.js';
import { cacheLeftOut, isCacheFailure } from '../cache-fallback.js';

/** Where a namespace is listed from. */
export interface NamespaceSources {
  /** Those that may own something of the namespace. */
  readonly registries: readonly ArtifactSource[];
  /** Whether a repository belongs to a registry, which may have others under any name. */
  readonly owns: (registry: RegistryHost, repository: RepositoryName) => boolean;
  /** Repositories to list where a registry has no catalog. */
  readonly repositories: readonly RepositoryName[];
  readonly policy: FreshnessPolicy;
  readonly open: () => Promise<OpenedCache>;
}

interface ListOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: EventListener | undefined;
}

/** Registries that are asked at once. */
const registriesAtOnce = 4;

/**
 * Every version of every artifact of a namespace, by name and version: as the registries say, or offline what is in the
 * cache. One registry that fails fails the listing: half of a namespace looks like the whole.
 */
export async function listNamespace(
  namespace: RepositoryName,
  sources: NamespaceSources,
  options: ListOptions,
): Promise<readonly Artifact[]> {
  if (sources.policy.offline) return listCached(namespace, sources, options);
  const inUse = new CacheInUse(options);
  const cache = { inUse, opened: await inUse.try(sources.open) };
  const lists: (readonly Artifact[])[] = [];
  const list = async (registry: ArtifactSource, signal: AbortSignal): Promise<void> => {
    const parts = listingParts(registry, { sources, cache, options });
    lists.push(await listArtifacts(namespace, parts, { signal }));
  };
  const limits = { limit: registriesAtOnce, signal: options.signal };
  await forEachConcurrent(sources.registries, list, limits);
  return lists.flat().sort(byNameAndVersion);
}

/** How one of the registries is listed. */
function listingParts(
  registry: ArtifactSource,
  {
    sources,
    cache: { inUse, opened },
    options,
  }: {
    readonly sources: NamespaceSources;
    readonly cache: { readonly inUse: CacheInUse; readonly opened: OpenedCache | undefined };
    readonly options: ListOptions;
  },
): Parameters<typeof listArtifacts>[1] {
  const { owns, repositories, policy } = sources;
  const manifestOf = async (
    repository: RepositoryName,
    tag: Tag,
    signal: AbortSignal,
  ): Promise<ResolvedManifest> => {
    const name = { registry: registry.host, repository, tag };
    const here = opened?.cache.mayKnow(name)
      ? await inUse.try(() => opened.lookup.peek(name, { policy, signal }))
      : undefined;
    return here ?? registry.repository(repository).fetch(tag, { onEvent: options.onEvent, signal });
  };
  return {
    registry,
    owns: (repository) => owns(registry.host, repository),
    repositories,
    policy,
    notes: opened && inUse.notesOf(opened.cache),
    manifestOf,
  };
}

async function listCached(
  namespace: RepositoryName,
  { registries, owns, policy, open }: NamespaceSources,
  { signal }: ListOptions,
): Promise<readonly Artifact[]> {
  const prefix = `${namespace}/`;
  const hosts = new Set(registries.map(({ host }) => host));
  const { cache, lookup } = await open();
  const artifacts: Artifact[] = [];
  for await (const { key } of cache.references.list()) {
    const { registry, repository, tag } = key;
    if (!repository.startsWith(prefix) || !hosts.has(registry) || !owns(registry, repository))
      continue;
    const manifest = isBookkeepingTag(tag) ? undefined : await lookup.peek(key, { policy, signal });
    if (manifest)
      artifacts.push(artifactOf(repository.slice(prefix.length), tag, listedTag(manifest)));
  }
  if (artifacts.length > 0) return artifacts.sort(byNameAndVersion);
  throw new OciError('OFFLINE', `nothing of ${namespace} is in the cache`, {
    hint: 'List it, or pull something, once while the registry may be asked.',
    reason: { kind: 'not-cached', what: 'listing' },
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
