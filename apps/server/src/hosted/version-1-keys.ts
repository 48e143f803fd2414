import { decodeSegment } from '@oci/cache';
import {
  type Digest,
  type RepositoryName,
  type Tag,
  isDigest,
  isRepositoryName,
  isTag,
} from '@oci/spec-types';

/**
 * Keys of hosted storage as version 1 wrote them, for reading only:
 *
 * ```
 * v1/blobs/<algorithm>/<encoded>                          content
 * v1/repositories/<name>/_blobs/<algorithm>/<encoded>     that a repository has a blob
 * v1/repositories/<name>/_manifests/<algorithm>/<encoded> media type, size and time of a manifest
 * v1/repositories/<name>/_tags/<tag>                      the same of what a tag points to
 * ```
 *
 * Referrers follow from the manifests, names from the repositories; uploads in progress begin again.
 */
export const version1 = {
  root: 'v1',
  blobs: 'v1/blobs/',
  repositories: 'v1/repositories/',
} as const;

export function digestOfVersion1Blob(key: string): Digest | undefined {
  return digestOf(key.slice(version1.blobs.length));
}

/** What a key below {@link version1.repositories} says. */
export type Version1Entry = { readonly name: RepositoryName } & (
  { readonly blob: Digest } | { readonly manifest: Digest } | { readonly tag: Tag }
);

export function entryOfVersion1(key: string): Version1Entry | undefined {
  const match = /^v1\/repositories\/(.+)\/_(blobs|manifests|tags)\/(.+)$/.exec(key);
  if (!match) return undefined;
  const [, name = '', kind, rest = ''] = match;
  if (!isRepositoryName(name)) return undefined;
  if (kind === 'tags') {
    const tag = rest.startsWith('@') ? fromBase32(rest.slice(1)) : decodeSegment(rest);
    return isTag(tag) ? { name, tag } : undefined;
  }
  const digest = digestOf(rest);
  if (!digest) return undefined;
  return kind === 'blobs' ? { name, blob: digest } : { name, manifest: digest };
}

function digestOf(path: string): Digest | undefined {
  const digest = path.replace('/', ':');
  return /^sha(?:256|512):[a-f0-9]+$/.test(digest) && isDigest(digest) ? digest : undefined;
}

/** Five bits a character, of digits and small letters. */
function fromBase32(text: string): string | undefined {
  if (!/^[0-9a-v]+$/.test(text)) return undefined;
  let value = 0n;
  for (const character of text) value = value * 32n + BigInt(Number.parseInt(character, 32));
  const hex = value.toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').toString('utf8');
}
