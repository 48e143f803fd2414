import type {
  BlobDownloader,
  BlobMounter,
  BlobSink,
  CallOptions,
  Descriptor,
  Digest,
  Located,
  ManifestSink,
  Mirrored,
  ReferrerLister,
  ResolvedManifest,
  Resolver,
  Tag,
  TagLister,
} from '@oci/spec-types';

import type { DownloadTarget, LayoutDirectory } from '../layout/layout-directory.js';

/** All that is needed to copy to somewhere; what else it can is made use of. */
export interface WritableRepository extends Resolver, BlobSink, ManifestSink {
  /** True when it keeps content in the order in which it comes, as a tar does: then that is always the same. */
  readonly keepsOrder?: boolean | undefined;
}

export function canDownload(repository: object): repository is BlobDownloader {
  return has(repository, 'downloadBlob');
}

export function takesDownloads(repository: object): repository is DownloadTarget {
  return has(repository, 'takeBlob');
}

/** A target that can tell whether what it has is still what it should be, and drops it otherwise. */
export interface BlobExaminer {
  hasIntactBlob(descriptor: Descriptor, options?: CallOptions): Promise<boolean>;
}

export function canExamine(repository: object): repository is BlobExaminer {
  return has(repository, 'hasIntactBlob');
}

/** A source that gives a manifest by its name in one request, instead of its descriptor first. */
export interface NameFetcher {
  fetch(tagOrDigest: Tag | Digest, options?: CallOptions): Promise<ResolvedManifest>;
}

export function canFetchByName(repository: object): repository is NameFetcher {
  return has(repository, 'fetch');
}

/** The repository itself, where a source has mirrors that may answer in its place. */
export function withoutMirrors<R extends object>(repository: R): R {
  return isMirrored(repository) ? repository.withoutMirrors() : repository;
}

export function canListReferrers(repository: object): repository is ReferrerLister {
  return has(repository, 'listReferrers');
}

export function canListTags(repository: object): repository is TagLister {
  return has(repository, 'listTags');
}

export function canMount(repository: object): repository is BlobMounter & Located {
  return has(repository, 'mountBlob') && isLocated(repository);
}

export function isLocated(repository: object): repository is Located {
  return (
    'origin' in repository &&
    typeof repository.origin === 'string' &&
    'name' in repository &&
    typeof repository.name === 'string'
  );
}

/** Tells whether two are one repository of a registry, or one directory. */
export function isSameRepository(source: object, target: object): boolean {
  if (source === target) return true;
  if (hasRealPath(source) && hasRealPath(target)) return source.realPath === target.realPath;
  if (!isLocated(source) || !isLocated(target)) return false;
  return source.origin === target.origin && source.name === target.name;
}

function hasRealPath(repository: object): repository is Pick<LayoutDirectory, 'realPath'> {
  return 'realPath' in repository && typeof repository.realPath === 'string';
}

function isMirrored<R extends object>(repository: R): repository is Mirrored<R> & R {
  return has(repository, 'withoutMirrors');
}

function has(repository: object, method: string): boolean {
  return method in repository && typeof Reflect.get(repository, method) === 'function';
}
