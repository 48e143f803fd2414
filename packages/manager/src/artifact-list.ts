import type { Cache, ListedTag } from '@oci/cache';
import {
  type Digest,
  OciError,
  type RepositoryName,
  type ResolvedManifest,
  type Tag,
  annotations,
  isBookkeepingTag,
  isOciError,
  parseRepositoryName,
  totalSize,
  versionOfTag,
} from '@oci/spec-types';

import type { ArtifactSource } from './artifact-source.js';
import { forEachConcurrent } from './concurrency.js';
import { type FreshnessPolicy, isFresh } from './freshness.js';
import { compareVersions } from './version-order.js';

/** One version of an artifact, as a listing shows it. */
export interface Artifact {
  /** Below the namespace. */
  readonly name: string;
  readonly version: string;
  /** Of the manifest. */
  readonly digest: Digest;
  /** Bytes of all layers. */
  readonly size: number;
  /** Of the manifest. */
  readonly mediaType: string;
  /** RFC 3339; null when the publisher did not say. */
  readonly createdAt: string | null;
}

/** How a listing gets at what it lists. */
export interface ListParts {
  readonly registry: ArtifactSource;
  /** Repositories to list where the registry has no catalog. */
  readonly repositories: readonly string[];
  readonly policy: FreshnessPolicy;
  /** What earlier listings learned; absent where the cache can't be used. */
  readonly notes?: Pick<Cache['listingNotes'], 'read' | 'write'> | undefined;
  readonly manifestOf: (
    repository: RepositoryName,
    tag: Tag,
    signal: AbortSignal,
  ) => Promise<ResolvedManifest>;
}

/** RFC 3339, section 5.6. */
const rfc3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)$/;

/** Lists of tags, then manifests, that are asked for at once: as many as a host is asked for metadata at most. */
const atOnce = 32;

/**
 * Every version of every artifact of a namespace, by name and version. Each manifest is asked for once: what a
 * listing shows of it is noted, and believed as long as its tag is.
 *
 * @throws OciError `UNSUPPORTED` when the registry has no catalog and no repositories are configured
 */
export async function listArtifacts(
  namespace: string,
  parts: ListParts,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<Artifact[]> {
  const prefix = `${parseRepositoryName(namespace)}/`;
  const listings: RepositoryListing[] = [];
  const limits = { limit: atOnce, signal: options.signal };
  const list = async (repository: RepositoryName, signal: AbortSignal): Promise<void> => {
    const listing = new RepositoryListing(repository, parts);
    await listing.begin(signal);
    listings.push(listing);
  };
  await forEachConcurrent(repositoriesBelow(prefix, parts, options.signal), list, limits);
  if (listings.length === 0) await ensureListable(parseRepositoryName(namespace), parts, options);
  const missing = listings.flatMap((listing) => listing.missing.map((tag) => ({ listing, tag })));
  await forEachConcurrent(missing, ({ listing, tag }, signal) => listing.ask(tag, signal), limits);
  return listings
    .flatMap((listing) => listing.artifacts(listing.repository.slice(prefix.length)))
    .sort(byNameAndVersion);
}

/** What is known of the tags of a repository, and what has to be asked for. */
class RepositoryListing {
  readonly repository: RepositoryName;
  /** Tags whose manifests have to be asked for. */
  readonly missing: Tag[] = [];
  readonly #parts: ListParts;
  readonly #known = new Map<string, ListedTag>();
  #unanswered = 0;

  constructor(repository: RepositoryName, parts: ListParts) {
    this.repository = repository;
    this.#parts = parts;
  }

  /** Asks for the tags, and looks what is known of them. */
  async begin(signal: AbortSignal): Promise<void> {
    const { notes, policy, registry } = this.#parts;
    const tags: Tag[] = [];
    for await (const tag of tagsOf(this.repository, registry, signal))
      if (!isBookkeepingTag(tag)) tags.push(tag);
    const noted = policy.refresh ? undefined : await notes?.read(this.#place);
    for (const tag of tags) {
      const known = noted?.get(tag);
      if (known && (await this.#isCurrent(tag, known, signal))) this.#known.set(tag, known);
      else this.missing.push(tag);
    }
    this.#unanswered = this.missing.length;
  }

  /** Asks for the manifest of a tag; the last one has all of the repository noted. */
  async ask(tag: Tag, signal: AbortSignal): Promise<void> {
    const manifest = await unlessGone(this.#parts.manifestOf(this.repository, tag, signal));
    if (manifest) this.#known.set(tag, listed(manifest));
    this.#unanswered -= 1;
    if (this.#unanswered === 0) await this.#parts.notes?.write(this.#place, this.#known);
  }

  artifacts(name: string): readonly Artifact[] {
    return Array.from(this.#known, ([tag, known]) => shown(name, tag as Tag, known));
  }

  /** Where asking costs nothing, what a tag points to is asked instead of believed. */
  async #isCurrent(tag: Tag, known: ListedTag, signal: AbortSignal): Promise<boolean> {
    const { registry, policy } = this.#parts;
    if (!registry.isInProcess) return isFresh(policy, { tag, resolvedAt: known.resolvedAt });
    const current = registry.repository(this.repository).resolve(tag, { signal });
    return (await unlessGone(current))?.digest === known.digest;
  }

  get #place(): { registry: ArtifactSource['host']; repository: RepositoryName } {
    return { registry: this.#parts.registry.host, repository: this.repository };
  }
}

/** As a listing shows it. */
export function artifactOf(name: string, tag: Tag, manifest: ResolvedManifest): Artifact {
  return shown(name, tag, listed(manifest));
}

function shown(
  name: string,
  tag: Tag,
  { digest, size, mediaType, createdAt }: ListedTag,
): Artifact {
  return { name, version: versionOfTag(tag), digest, size, mediaType, createdAt };
}

function listed(manifest: ResolvedManifest): ListedTag {
  const layers = manifest.kind === 'image' ? manifest.document.layers : manifest.document.manifests;
  return {
    digest: manifest.descriptor.digest,
    size: totalSize(layers),
    mediaType: manifest.mediaType,
    createdAt: timeOf(manifest.document.annotations?.[annotations.created]),
    resolvedAt: Date.now(),
  };
}

/** Whatever a publisher wrote is kept for every version, so that only a time counts as one. */
function timeOf(text: string | undefined): string | null {
  return text !== undefined && rfc3339.test(text) ? text : null;
}

/** As the catalog's pages come; each once. */
async function* repositoriesBelow(
  prefix: string,
  parts: ListParts,
  signal: AbortSignal | undefined,
): AsyncGenerator<RepositoryName, void, undefined> {
  const configured = parts.repositories.map(parseRepositoryName);
  const isConfigured = configured.some((name) => name.startsWith(prefix));
  const seen = new Set<RepositoryName>();
  try {
    for await (const name of isConfigured
      ? configured
      : parts.registry.listRepositories({ signal })) {
      if (seen.has(name) || !name.startsWith(prefix)) continue;
      seen.add(name);
      yield name;
    }
  } catch (error) {
    if (!isOciError(error, 'NAME_UNKNOWN', 'UNSUPPORTED', 'MANIFEST_UNKNOWN')) throw error;
    throw new OciError('UNSUPPORTED', `${parts.registry.host} can't list its repositories`, {
      cause: error,
      hint: `Name them in the configuration: [orchestrator.oci] repositories = ["${prefix}name"].`,
    });
  }
}

/**
 * A catalog leaves out what the caller may not see, so that an empty one does not say that nothing is there.
 *
 * @throws OciError `UNAUTHORIZED`, `DENIED` when the caller may not list the namespace
 */
async function ensureListable(
  namespace: RepositoryName,
  { registry }: ListParts,
  { signal }: { readonly signal?: AbortSignal | undefined },
): Promise<void> {
  try {
    for await (const _ of registry.repository(namespace).listTags({ signal })) return;
  } catch (error) {
    if (isOciError(error, 'UNAUTHORIZED', 'DENIED', 'ABORTED')) throw error;
  }
}

async function* tagsOf(
  repository: RepositoryName,
  registry: ArtifactSource,
  signal: AbortSignal | undefined,
): AsyncGenerator<Tag> {
  try {
    yield* registry.repository(repository).listTags({ signal });
  } catch (error) {
    // A catalog may still name a repository whose last tag is gone.
    if (!isOciError(error, 'NAME_UNKNOWN')) throw error;
  }
}

/** A tag may vanish between the listing and its manifest, and may be of a kind that can't be read. */
async function unlessGone<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isOciError(error, 'MANIFEST_UNKNOWN', 'NAME_UNKNOWN', 'UNSUPPORTED')) return undefined;
    throw error;
  }
}

export function byNameAndVersion(a: Artifact, b: Artifact): number {
  return a.name === b.name ? compareVersions(a.version, b.version) : a.name < b.name ? -1 : 1;
}
