import { createHash } from 'node:crypto';

import {
  type Digest,
  type RepositoryName,
  type Tag,
  digestAlgorithm,
  digestEncoded,
  isDigest,
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
 * A name of a repository has no component that begins with `_`, so nothing collides. A segment that would be
 * longer than a file name may be has another form, which contains `@`: see {@link segmentOf}.
 */
const root = 'v1';

export const keys = {
  blobs: `${root}/blobs/` as string,
  blob: (digest: Digest): string => `${root}/blobs/${segments(digest)}`,
  names: `${root}/names/` as string,
  name: (name: RepositoryName): string =>
    `${root}/names/${segmentOf(name, (text) => text.replaceAll('/', '@'))}`,
  repositories: `${root}/repositories/` as string,
  /** What is a repository's own, and not of one whose name goes on behind a slash. */
  contents: (name: RepositoryName): string => `${root}/repositories/${name}/_`,
  membership: (name: RepositoryName, digest: Digest): string =>
    `${root}/repositories/${name}/_blobs/${segments(digest)}`,
  manifest: (name: RepositoryName, digest: Digest): string =>
    `${root}/repositories/${name}/_manifests/${segments(digest)}`,
  tags: (name: RepositoryName): string => `${root}/repositories/${name}/_tags/`,
  tag: (name: RepositoryName, tag: Tag): string =>
    `${root}/repositories/${name}/_tags/${segmentOf(tag, (text) => `@${toBase32(text)}`)}`,
  allReferrers: (name: RepositoryName): string => `${root}/repositories/${name}/_referrers/`,
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
  const segment = lastOf(key);
  return (segment.startsWith('@') ? fromBase32(segment.slice(1)) : decodeSegment(segment)) as Tag;
}

/** The repository that a key of {@link keys.name} is of. */
export function repositoryOfKey(key: string): RepositoryName {
  const segment = lastOf(key);
  const isLong = segment.includes('@');
  return (isLong ? segment.replaceAll('@', '/') : decodeSegment(segment)) as RepositoryName;
}

/** Whether a key of {@link keys.referrer} is of a manifest, whatever its subject. */
export function isReferrerKey(key: string, digest: Digest): boolean {
  return lastOf(key) === flat(digest);
}

/** The session that a key below {@link keys.uploads} is of. */
export function sessionOfKey(key: string): string {
  return key.slice(keys.uploads.length).split('/', 1)[0] ?? '';
}

/** Where in its upload a piece begins that a key of {@link keys.uploadPiece} is of. */
export function offsetOfKey(key: string): number {
  return Number(lastOf(key));
}

/** The digest of content that a key is of, or refers to; undefined for other keys. */
export function digestOfKey(key: string): Digest | undefined {
  const match = /\/_?(?:blobs|manifests)\/([a-z0-9]+)\/([a-f0-9]+)$/.exec(key);
  const digest = match ? `${match[1]}:${match[2]}` : '';
  return isDigest(digest) ? digest : undefined;
}

function segments(digest: Digest): string {
  return `${flat(digestAlgorithm(digest))}/${flat(digestEncoded(digest))}`;
}

/** Content that can be verified has short digests, so that a long one never has to be read from its key. */
function flat(text: string): string {
  return segmentOf(text, () => `@${createHash('sha256').update(text).digest('hex')}`);
}

/** A text as a segment of a key: escaped, unless that is longer than the name of a file may be. */
function segmentOf(text: string, long: (text: string) => string): string {
  const escaped = encodeSegment(text);
  return escaped.length <= 255 ? escaped : long(text);
}

/** Five bits a character, of digits and small letters. */
function toBase32(text: string): string {
  return BigInt(`0x${Buffer.from(text).toString('hex')}`).toString(32);
}

function fromBase32(text: string): string {
  let value = 0n;
  for (const character of text) value = value * 32n + BigInt(Number.parseInt(character, 32));
  const hex = value.toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').toString('utf8');
}

function lastOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}
