import { type Digest, type RepositoryName, digestAlgorithm, digestEncoded } from '@oci/spec-types';

/**
 * The directory that `oci-server export` writes; `docs/operating.md` describes it.
 *
 * Each repository is an OCI image layout (image-spec `image-layout.md`), and all share one directory of blobs. No
 * component of a repository's name begins with `_`, so that no name is in the way of `_layout`.
 */
export const exportPaths = {
  /** Says that the directory is an export, and whether it is whole. */
  mark: 'export.json',
  lock: '.lock',
  repositories: 'repositories',
  layoutName: '_layout',
  allBlobs: 'blobs/',
  blob: (digest: Digest): string => `blobs/${digestAlgorithm(digest)}/${digestEncoded(digest)}`,
  layout: (name: RepositoryName): string => `repositories/${name}/_layout`,
} as const;

/** The digest of a key of {@link exportPaths.blob}, whether or not it is one. */
export function digestOfBlobKey(key: string): string {
  return key.slice(exportPaths.allBlobs.length).replace('/', ':');
}

/** Annotations of entries in the `index.json` of an exported repository. */
export const exportAnnotations = {
  /** When the manifest, or the tag, was pushed: RFC 3339. */
  pushed: 'oci-server.pushed',
  /** How often the manifest was pulled. */
  pulls: 'oci-server.pulls',
  /** When it was pulled last: RFC 3339. */
  pulled: 'oci-server.pulled',
  /** Digests that the manifest names and the repository did not have, with spaces between. */
  missing: 'oci-server.missing',
} as const;
