import type { Cache, ListedTag } from '@oci/cache';
import {
  type RepositoryName,
  type ResolvedManifest,
  type Tag,
  isBookkeepingTag,
  isOciError,
} from '@oci/spec-types';

import { type Artifact, artifactOf, listedTag } from '../artifact.js';
import type { ArtifactSource } from '../artifact-source.js';
import { type FreshnessPolicy, isFresh } from '../freshness.js';

/** How a listing gets at what it lists. */
export interface ListingParts {
  readonly registry: ArtifactSource;
  readonly policy: FreshnessPolicy;
  /** What earlier listings learned; absent where the cache can't be used. */
  readonly notes?: Pick<Cache['listingNotes'], 'read' | 'write'> | undefined;
  readonly manifestOf: (
    repository: RepositoryName,
    tag: Tag,
    signal: AbortSignal,
  ) => Promise<ResolvedManifest>;
}

/** What is known of the tags of a repository, and what has to be asked for. */
export class RepositoryListing {
  readonly repository: RepositoryName;
  /** Tags whose manifests have to be asked for. */
  readonly missing: Tag[] = [];
  readonly #parts: ListingParts;
  readonly #known = new Map<string, ListedTag>();
  #unanswered = 0;

  constructor(repository: RepositoryName, parts: ListingParts) {
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
    if (manifest) this.#known.set(tag, listedTag(manifest));
    this.#unanswered -= 1;
    if (this.#unanswered === 0) await this.#parts.notes?.write(this.#place, this.#known);
  }

  /** @param name what the repository is called below the namespace */
  artifacts(name: string): readonly Artifact[] {
    return Array.from(this.#known, ([tag, known]) => artifactOf(name, tag as Tag, known));
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
