import { createHash } from 'node:crypto';

import {
  type Digest,
  OciError,
  type RegistryHost,
  type RepositoryName,
  type Tag,
  digestAlgorithm,
  digestEncoded,
  formatReference,
  isDigest,
  isRepositoryName,
  isTag,
  parseReference,
} from '@oci/spec-types';

import { encodeSegment } from './store/object-key.js';

/**
 * The format of a cache directory, in this file only. Version 2:
 *
 * ```
 * oci-layout  index.json  blobs/<algorithm>/<encoded>    an OCI image layout
 * refs/<registry>/<repository>/_tags/<tag>.json          a tag's digest, and when it was asked for; mtime: last use
 * records/<algorithm>/<encoded>.json                     size, mtime and inode of a large blob when it was verified
 * quarantine/<algorithm>-<encoded>                       corrupt blobs
 * partial/<algorithm>-<encoded>.partial  ….journal       downloads that were interrupted
 * referrers/<algorithm>-<encoded>/….json                 descriptors of what has a manifest as its subject
 * state/unindexed/<reference>                            references whose pull has not ended
 * state/pins/<reference>                                 references that stay
 * state/signatures/<id>                                  signatures that were verified, for a digest and who may sign
 * state/listings/<repository>                            what a listing learned of the tags of a repository
 * state/leases/<process>                                 content that running pulls rely on
 * state/removing                                         there while content is being removed
 * state/pruned                                           mtime: the end of the last pruning
 * state/scrub                                            how far an interrupted verification came
 * .tmp/…  .locks/…                                       files that are being written; who may write what
 * .locks/removal                                         the version of the format
 * kcl/<name>/<version>/package.tar.gz  view.json         the guide's paths
 * extensions/<type>/<name>/<version>/artifact.tar.gz  view.json
 * registries/<registry>/kcl/…  extensions/…              the same of other registries
 * ```
 *
 * A process of version 1 reads and fills such a directory, and cannot prune it: it takes `.locks/removal` for the
 * directory of a lock. What it decides by, and version 2 does not write, is {@link obsoleteDirectories}.
 */
export const formatVersion = 2;

/** The version of the records of references, materialized files and listings. */
export const recordVersion = 1;

/** Paths below a cache directory. */
export const paths = {
  index: 'index.json',
  layoutMark: 'oci-layout',
  blobs: 'blobs/',
  references: 'refs/',
  records: 'records/',
  allReferrers: 'referrers/',
  partial: 'partial',
  quarantine: 'quarantine',
  temporary: '.tmp',
  downloadLocks: '.locks/downloads',
  formatMark: '.locks/removal',
  barrierLock: '.locks/gc',
  barrier: 'state/removing',
  leases: 'state/leases',
  unindexed: 'state/unindexed',
  pins: 'state/pins',
  signatures: 'state/signatures',
  listings: 'state/listings',
  /** Of {@link stateNames}. */
  state: 'state',
} as const;

export const stateNames = { pruned: 'pruned', scrub: 'scrub' } as const;

/** By what version 1 decided what goes. */
export const obsoleteDirectories = [
  'state/uses',
  'state/ages',
  'state/packages',
  'state/holders',
  'state/unheld',
  'state/views',
  'state/usage',
] as const;

/** Everything in a cache directory that is ours to remove. */
export const ownEntries = [
  // In this order: what is named goes before what it names, and what is known about all goes last.
  'index.json',
  'kcl',
  'extensions',
  'registries',
  'refs',
  'referrers',
  'records',
  'blobs',
  'quarantine',
  'partial',
  'state',
] as const;

export function blobKey(digest: Digest): string {
  return `${paths.blobs}${digestAlgorithm(digest)}/${digestEncoded(digest)}`;
}

export function recordKey(digest: Digest): string {
  return `${paths.records}${digestAlgorithm(digest)}/${digestEncoded(digest)}.json`;
}

export function quarantineKey(digest: Digest): string {
  return `${paths.quarantine}/${digestAlgorithm(digest)}-${digestEncoded(digest)}`;
}

/** Where a download of a blob is, until it is whole. */
export function partialKey(digest: Digest): string {
  return `${paths.partial}/${digestAlgorithm(digest)}-${digestEncoded(digest)}`;
}

/** A tag of a repository of a registry. */
export interface ReferenceKey {
  readonly registry: RegistryHost;
  readonly repository: RepositoryName;
  readonly tag: Tag;
}

export function referenceKey(key: ReferenceKey): string {
  return `${tagsPrefix(key)}${tagSegment(key.tag)}.json`;
}

/** Where the references of a repository are. */
export function tagsPrefix({ registry, repository }: Omit<ReferenceKey, 'tag'>): string {
  return `${paths.references}${encodeSegment(registry)}/${repository}/_tags/`;
}

/** A tag of 128 capitals has more characters in a name than a file system takes. */
function tagSegment(tag: Tag): string {
  const encoded = encodeSegment(tag);
  return encoded.length <= 200 ? encoded : `=h${sha256(tag)}`;
}

/** The identity of a reference in the names of files. */
export type ReferenceId = string & { readonly __brand: 'ReferenceId' };

export function referenceId(key: ReferenceKey): ReferenceId {
  return sha256(referenceText(key)).slice(0, 40) as ReferenceId;
}

/** The identity of a repository in the names of files. */
export function packageId({ registry, repository }: Omit<ReferenceKey, 'tag'>): string {
  return sha256(`${registry}/${repository}`).slice(0, 40);
}

export function referenceText(key: ReferenceKey): string {
  return formatReference(key);
}

/** Undefined for a text that {@link referenceText} did not write whole. */
export function parseReferenceText(text: string): ReferenceKey | undefined {
  try {
    const { registry, repository, tag } = parseReference(text);
    return tag === undefined ? undefined : { registry, repository, tag };
  } catch {
    return undefined;
  }
}

export function referrersPrefix(subject: Digest): string {
  return `${paths.allReferrers}${digestAlgorithm(subject)}-${digestEncoded(subject)}/`;
}

export function referrerKey(subject: Digest, digest: Digest): string {
  return `${referrersPrefix(subject)}${digestAlgorithm(digest)}-${digestEncoded(digest)}.json`;
}

/** Returns the subject of a key of {@link referrerKey}. */
export function subjectOfReferrerKey(key: string): Digest | undefined {
  const subject = key.split('/')[1]?.replace('-', ':') ?? '';
  return isDigest(subject) ? subject : undefined;
}

/** The digest that a key of {@link blobKey} is of; undefined for a file that is no blob. */
export function digestOfBlobKey(key: string): Digest | undefined {
  const [, algorithm, encoded] = key.split('/');
  const text = `${algorithm}:${encoded}`;
  return isDigest(text) ? text : undefined;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Which of the guide's paths an artifact is materialized at. */
export type MaterializedName = {
  /** For another registry than the one that the guide's paths belong to. */
  readonly registry?: RegistryHost | undefined;
} & (
  | { readonly kind: 'kcl'; readonly name: string; readonly version: string }
  | {
      readonly kind: 'extension';
      readonly type: string;
      readonly name: string;
      readonly version: string;
    }
);

/**
 * The directory of a materialized file, relative, and the file's name. Names come from users, so they are checked
 * here again: nothing but a repository path and a version becomes a path.
 *
 * @throws OciError `REFERENCE_INVALID`
 */
export function materializedPath(name: MaterializedName): {
  readonly directory: string;
  readonly file: string;
} {
  const isVersion = isTag(name.version.replaceAll('+', '_')) && !/^\.+$/.test(name.version);
  const isPlace =
    isRepositoryName(name.name) && (name.kind === 'kcl' || isRepositoryName(name.type));
  if (!isVersion || !isPlace) {
    throw new OciError(
      'REFERENCE_INVALID',
      `invalid name or version ${JSON.stringify(`${name.name} ${name.version}`.slice(0, 300))}`,
    );
  }
  const root = name.registry === undefined ? '' : `registries/${encodeSegment(name.registry)}/`;
  return name.kind === 'kcl'
    ? { directory: `${root}kcl/${name.name}/${name.version}`, file: 'package.tar.gz' }
    : {
        directory: `${root}extensions/${name.type}/${name.name}/${name.version}`,
        file: 'artifact.tar.gz',
      };
}

/** Returns the two files of a name, relative: the archive, and the record of what it is. */
export function materializedFiles(name: MaterializedName): readonly string[] {
  const { directory, file } = materializedPath(name);
  return [`${directory}/${file}`, `${directory}/${materializedRecord}`];
}

/** The name of the record beside a materialized file. */
export const materializedRecord = 'view.json';

/** The directories of all materialized files, and the names of the files. */
export const materializedRoots = ['kcl', 'extensions', 'registries'] as const;
export const materializedNames: readonly string[] = ['package.tar.gz', 'artifact.tar.gz'];
