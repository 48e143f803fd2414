import {
  type Digest,
  OciError,
  type RegistryHost,
  type RepositoryName,
  type Tag,
  digestAlgorithm,
  digestEncoded,
  isRepositoryName,
  isTag,
} from '@oci/spec-types';

import { encodeSegment } from './store/object-key.js';

/**
 * The format of a cache directory, in this file only. Version 1:
 *
 * ```
 * oci-layout  index.json  blobs/<algorithm>/<encoded>    an OCI image layout
 * refs/<registry>/<repository>/_tags/<tag>.json          a tag's digest, and when it was asked for
 * records/<algorithm>/<encoded>.json                     size, mtime and inode of a blob when it was verified
 * quarantine/<algorithm>-<encoded>                       blobs that turned out damaged
 * partial/<algorithm>-<encoded>  ….journal               downloads that were interrupted
 * .tmp/…  .locks/…                                       files that are being written; who may write what
 * kcl/<name>/<version>/package.tar.gz  view.json         the guide's paths
 * extensions/<type>/<name>/<version>/artifact.tar.gz  view.json
 * ```
 */
export const layoutVersion = 1;

/** Everything in a cache directory that is ours to remove. */
export const ownEntries = [
  'blobs',
  'refs',
  'records',
  'quarantine',
  'partial',
  'kcl',
  'extensions',
  'registries',
  'index.json',
] as const;

export function blobKey(digest: Digest): string {
  return `blobs/${digestAlgorithm(digest)}/${digestEncoded(digest)}`;
}

export function recordKey(digest: Digest): string {
  return `records/${digestAlgorithm(digest)}/${digestEncoded(digest)}.json`;
}

export function quarantineKey(digest: Digest): string {
  return `quarantine/${digestAlgorithm(digest)}-${digestEncoded(digest)}`;
}

/** Where a download of a blob is, until it is whole. */
export function partialKey(digest: Digest): string {
  return `partial/${digestAlgorithm(digest)}-${digestEncoded(digest)}`;
}

/** A tag of a repository of a registry. */
export interface ReferenceKey {
  readonly registry: RegistryHost;
  readonly repository: RepositoryName;
  readonly tag: Tag;
}

export function referenceKey({ registry, repository, tag }: ReferenceKey): string {
  return `refs/${encodeSegment(registry)}/${repository}/_tags/${encodeSegment(tag)}.json`;
}

/** Which of the guide's paths shows an artifact. */
export type ViewName =
  | { readonly kind: 'kcl'; readonly name: string; readonly version: string }
  | {
      readonly kind: 'extension';
      readonly type: string;
      readonly name: string;
      readonly version: string;
    };

/**
 * The directory of a view, relative, and its file. Names come from users, so they are checked here
 * again: nothing but a repository path and a version becomes a path.
 *
 * @throws OciError `REFERENCE_INVALID`
 */
export function viewPath(view: ViewName): { readonly directory: string; readonly file: string } {
  const isVersion = isTag(view.version.replaceAll('+', '_')) && !/^\.+$/.test(view.version);
  const isPlace =
    isRepositoryName(view.name) && (view.kind === 'kcl' || isRepositoryName(view.type));
  if (!isVersion || !isPlace) {
    throw new OciError(
      'REFERENCE_INVALID',
      `invalid name or version ${JSON.stringify(`${view.name} ${view.version}`.slice(0, 300))}`,
    );
  }
  return view.kind === 'kcl'
    ? { directory: `kcl/${view.name}/${view.version}`, file: 'package.tar.gz' }
    : {
        directory: `extensions/${view.type}/${view.name}/${view.version}`,
        file: 'artifact.tar.gz',
      };
}
