import {
  type Digest,
  type RepositoryName,
  type Tag,
  digestAlgorithm,
  digestEncoded,
} from '@oci/spec-types';
import { decodeSegment, encodeSegment } from '@oci/cache';

/**
 * Where a hosted registry keeps what, in this file only. Version 1:
 *
 * ```
 * v1/blobs/<algorithm>/<encoded>                                content, once for all repositories
 * v1/repositories/<name>/_blobs/<algorithm>/<encoded>           that a repository has a blob
 * v1/repositories/<name>/_manifests/<algorithm>/<encoded>       media type, size and time of a manifest
 * v1/repositories/<name>/_tags/<tag>                            what a tag points to
 * v1/repositories/<name>/_referrers/<subject>/<manifest>        the descriptor of a referrer
 * v1/names/<name>                                               that a repository is, or was
 * v1/uploads/<session>/<offset>                                 a piece of an upload; `_begun` at its start
 * ```
 *
 * A name of a repository has no component that begins with `_`, so nothing collides.
 */
const root = 'v1';

export const keys = {
  blob: (digest: Digest): string => `${root}/blobs/${segments(digest)}`,
  names: `${root}/names/` as string,
  name: (name: RepositoryName): string => `${root}/names/${encodeSegment(name)}`,
  /** What is a repository's own, and not of one whose name goes on behind a slash. */
  contents: (name: RepositoryName): string => `${root}/repositories/${name}/_`,
  membership: (name: RepositoryName, digest: Digest): string =>
    `${root}/repositories/${name}/_blobs/${segments(digest)}`,
  manifest: (name: RepositoryName, digest: Digest): string =>
    `${root}/repositories/${name}/_manifests/${segments(digest)}`,
  tags: (name: RepositoryName): string => `${root}/repositories/${name}/_tags/`,
  tag: (name: RepositoryName, tag: Tag): string =>
    `${root}/repositories/${name}/_tags/${encodeSegment(tag)}`,
  referrers: (name: RepositoryName, subject: Digest): string =>
    `${root}/repositories/${name}/_referrers/${flat(subject)}/`,
  referrer: (name: RepositoryName, subject: Digest, digest: Digest): string =>
    `${root}/repositories/${name}/_referrers/${flat(subject)}/${flat(digest)}`,
  uploads: `${root}/uploads/` as string,
  upload: (session: string): string => `${root}/uploads/${session}/`,
  uploadBegun: (session: string): string => `${root}/uploads/${session}/_begun`,
  /** Padded, so that the order of keys is that of the bytes. */
  uploadPiece: (session: string, offset: number): string =>
    `${root}/uploads/${session}/${String(offset).padStart(16, '0')}`,
} as const;

/** The tag that a key of {@link keys.tag} is of. */
export function tagOfKey(key: string): Tag {
  return decodeSegment(lastOf(key)) as Tag;
}

/** The repository that a key of {@link keys.name} is of. */
export function repositoryOfKey(key: string): RepositoryName {
  return decodeSegment(lastOf(key)) as RepositoryName;
}

function segments(digest: Digest): string {
  return `${encodeSegment(digestAlgorithm(digest))}/${encodeSegment(digestEncoded(digest))}`;
}

function flat(digest: Digest): string {
  return encodeSegment(digest);
}

function lastOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}
