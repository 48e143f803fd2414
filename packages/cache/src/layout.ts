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
 * The format of a cache directory, in this file only. Version 1:
 *
 * ```
 * oci-layout  index.json  blobs/<algorithm>/<encoded>    an OCI image layout
 * refs/<registry>/<repository>/_tags/<tag>.json          a tag's digest, and when it was asked for
 * records/<algorithm>/<encoded>.json                     size, mtime and inode of a blob when it was verified
 * quarantine/<algorithm>-<encoded>                       blobs that turned out damaged
 * partial/<algorithm>-<encoded>.partial  ….journal       downloads that were interrupted
 * referrers/<algorithm>-<encoded>/….json                 descriptors of what has a manifest as its subject
 * state/uses/<hour>/<reference>                          references by the hour of their last use
 * state/ages/<hour>/<reference>                          references by the hour in which their content came
 * state/packages/<repository>                            repositories that grew since they were last counted
 * state/holders/<xx>/<blob>.<holder>                     which references and manifests need a blob
 * state/unheld/<hour>/<blob>                             content that nothing may need
 * state/views/<reference>                                where a reference is shown
 * state/pins/<reference>                                 references that stay
 * state/signatures/<id>                                 signatures that were verified, for a digest and who may sign
 * state/listings/<repository>                            what a listing learned of the tags of a repository
 * state/leases/<process>                                 content that running pulls rely on
 * state/usage/…                                          how many blobs and bytes there are
 * .tmp/…  .locks/…                                       files that are being written; who may write what
 * kcl/<name>/<version>/package.tar.gz  view.json         the guide's paths
 * extensions/<type>/<name>/<version>/artifact.tar.gz  view.json
 * registries/<registry>/kcl/…  extensions/…              the same of other registries
 * ```
 */
export const layoutVersion = 1;

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

export function referenceKey(key: ReferenceKey): string {
  return `${tagsPrefix(key)}${tagSegment(key.tag)}.json`;
}

/** Where the references of a repository are. */
export function tagsPrefix({ registry, repository }: Omit<ReferenceKey, 'tag'>): string {
  return `refs/${encodeSegment(registry)}/${repository}/_tags/`;
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
  return `referrers/${digestAlgorithm(subject)}-${digestEncoded(subject)}/`;
}

export function referrerKey(subject: Digest, digest: Digest): string {
  return `${referrersPrefix(subject)}${digestAlgorithm(digest)}-${digestEncoded(digest)}.json`;
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

/** Which of the guide's paths shows an artifact. */
export type ViewName = {
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
  const root = view.registry === undefined ? '' : `registries/${encodeSegment(view.registry)}/`;
  return view.kind === 'kcl'
    ? { directory: `${root}kcl/${view.name}/${view.version}`, file: 'package.tar.gz' }
    : {
        directory: `${root}extensions/${view.type}/${view.name}/${view.version}`,
        file: 'artifact.tar.gz',
      };
}

/** The files of a view, relative: what it shows, and whose that is. */
export function viewFiles(view: ViewName): readonly string[] {
  const { directory, file } = viewPath(view);
  return [`${directory}/${file}`, `${directory}/${viewRecordFile}`];
}

export const viewRecordFile = 'view.json';

/** The directories of all views, and the names of their files. */
export const viewRoots = ['kcl', 'extensions', 'registries'] as const;
export const viewFileNames: readonly string[] = ['package.tar.gz', 'artifact.tar.gz'];
