import type { Registry } from '@oci/client';
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
  versionOfTag,
} from '@oci/spec-types';

import { forEachConcurrent } from './concurrency.js';
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
  readonly registry: Registry;
  /** Repositories to list where the registry has no catalog. */
  readonly repositories: readonly string[];
  readonly manifestOf: (
    repository: RepositoryName,
    tag: Tag,
    signal: AbortSignal,
  ) => Promise<ResolvedManifest>;
}

/** Lists of tags, then manifests, that are asked for at once: as many as a host is asked for metadata at most. */
const atOnce = 32;

/**
 * Every version of every artifact of a namespace, by name and version.
 *
 * @throws OciError `UNSUPPORTED` when the registry has no catalog and no repositories are configured
 */
export async function listArtifacts(
  namespace: string,
  parts: ListParts,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<Artifact[]> {
  const prefix = `${parseRepositoryName(namespace)}/`;
  const found: { repository: RepositoryName; tag: Tag }[] = [];
  const list = async (repository: RepositoryName, signal: AbortSignal): Promise<void> => {
    for await (const tag of tagsOf(repository, parts, signal)) {
      if (!isBookkeepingTag(tag)) found.push({ repository, tag });
    }
  };
  const limits = { limit: atOnce, signal: options.signal };
  await forEachConcurrent(repositoriesBelow(prefix, parts, options.signal), list, limits);
  const artifacts: Artifact[] = [];
  const describe = async (entry: (typeof found)[number], signal: AbortSignal): Promise<void> => {
    const manifest = await unlessGone(parts.manifestOf(entry.repository, entry.tag, signal));
    if (manifest)
      artifacts.push(artifactOf(entry.repository.slice(prefix.length), entry.tag, manifest));
  };
  await forEachConcurrent(found, describe, limits);
  return artifacts.sort(byNameAndVersion);
}

function artifactOf(name: string, tag: Tag, manifest: ResolvedManifest): Artifact {
  const layers = manifest.kind === 'image' ? manifest.document.layers : manifest.document.manifests;
  return {
    name,
    version: versionOfTag(tag),
    digest: manifest.descriptor.digest,
    size: layers.reduce((sum, layer) => sum + layer.size, 0),
    mediaType: manifest.mediaType,
    createdAt: manifest.document.annotations?.[annotations.created] ?? null,
  };
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

async function* tagsOf(
  repository: RepositoryName,
  parts: ListParts,
  signal: AbortSignal | undefined,
): AsyncGenerator<Tag> {
  try {
    yield* parts.registry.repository(repository).listTags({ signal });
  } catch (error) {
    // A catalog may still name a repository whose last tag is gone.
    if (!isOciError(error, 'NAME_UNKNOWN')) throw error;
  }
}

/** A tag may vanish between the listing and its manifest, and may be of a kind that can't be read. */
async function unlessGone(
  manifest: Promise<ResolvedManifest>,
): Promise<ResolvedManifest | undefined> {
  try {
    return await manifest;
  } catch (error) {
    if (isOciError(error, 'MANIFEST_UNKNOWN', 'NAME_UNKNOWN', 'UNSUPPORTED')) return undefined;
    throw error;
  }
}

function byNameAndVersion(a: Artifact, b: Artifact): number {
  return a.name === b.name ? compareVersions(a.version, b.version) : a.name < b.name ? -1 : 1;
}
