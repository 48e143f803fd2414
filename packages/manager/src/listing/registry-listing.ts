import { OciError, type RepositoryName, isAbort, isOciError } from '@oci/spec-types';
import { forEachConcurrent } from '@oci/spec-types/node';

import type { Artifact } from '../artifact.js';
import type { ArtifactSource } from '../artifact-source.js';
import { type ListingParts, RepositoryListing } from './repository-listing.js';

/** What of a registry is listed, and how. */
export interface ListParts extends ListingParts {
  /** Repositories to list where the registry has no catalog. */
  readonly repositories: readonly RepositoryName[];
  /** Whether a repository belongs to the registry, which may have others under any name. */
  readonly owns: (repository: RepositoryName) => boolean;
}

interface ListOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Lists of tags, then manifests, that are asked for at once: as many as a host is asked for metadata at most. */
const atOnce = 32;

/**
 * Every version of every artifact of a namespace that a registry owns, in no order. Each manifest is asked for once:
 * what a listing shows of it is noted, and believed as long as its tag is.
 *
 * @throws OciError `UNSUPPORTED` when the registry has no catalog and no repositories are configured
 */
export async function listArtifacts(
  namespace: RepositoryName,
  parts: ListParts,
  options: ListOptions = {},
): Promise<readonly Artifact[]> {
  const prefix = `${namespace}/`;
  const listings: RepositoryListing[] = [];
  const limits = { limit: atOnce, signal: options.signal };
  const list = async (repository: RepositoryName, signal: AbortSignal): Promise<void> => {
    const listing = new RepositoryListing(repository, parts);
    await listing.begin(signal);
    listings.push(listing);
  };
  await forEachConcurrent(repositoriesBelow(prefix, parts, options.signal), list, limits);
  if (listings.length === 0) await ensureListable(namespace, parts.registry, options);
  const missing = listings.flatMap((listing) => listing.missing.map((tag) => ({ listing, tag })));
  await forEachConcurrent(missing, ({ listing, tag }, signal) => listing.ask(tag, signal), limits);
  return listings.flatMap((listing) => listing.artifacts(listing.repository.slice(prefix.length)));
}

/** As the catalog's pages come; each once. */
async function* repositoriesBelow(
  prefix: string,
  { registry, repositories, owns }: ListParts,
  signal: AbortSignal | undefined,
): AsyncGenerator<RepositoryName, void, undefined> {
  const configured = repositories.filter(owns);
  const isConfigured = configured.some((name) => name.startsWith(prefix));
  const seen = new Set<RepositoryName>();
  try {
    for await (const name of isConfigured ? configured : registry.listRepositories({ signal })) {
      if (seen.has(name) || !name.startsWith(prefix) || !owns(name)) continue;
      seen.add(name);
      yield name;
    }
  } catch (error) {
    if (!isOciError(error, 'NAME_UNKNOWN', 'UNSUPPORTED', 'MANIFEST_UNKNOWN')) throw error;
    throw new OciError('UNSUPPORTED', `${registry.host} can't list its repositories`, {
      cause: error,
      hint: `Name them with \`repositories\`: ["${prefix}name"].`,
      reason: { kind: 'repositories-unlisted', prefix },
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
  registry: ArtifactSource,
  { signal }: ListOptions,
): Promise<void> {
  try {
    for await (const _ of registry.repository(namespace).listTags({ signal })) return;
  } catch (error) {
    if (isAbort(error) || isOciError(error, 'UNAUTHORIZED', 'DENIED')) throw error;
  }
}
