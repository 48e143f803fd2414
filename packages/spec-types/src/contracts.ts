import type { Descriptor } from './descriptor.js';
import type { Digest } from './digest.js';
import type { OciError } from './error.js';
import type { EventListener } from './operation.js';
import type { RepositoryName } from './repository-name.js';
import type { ResolvedManifest } from './resolved-manifest.js';
import type { Tag } from './tag.js';

/** What every call takes last. */
export interface CallOptions {
  /** Ends the call with `ABORTED`; one of `AbortSignal.timeout` with `TIMEOUT`. */
  readonly signal?: AbortSignal | undefined;
  /** Hears of progress, retries, waits, resumed downloads and warnings. Its exception ends the call, as `USAGE`. */
  readonly onEvent?: EventListener | undefined;
  /**
   * The call belongs to a push: it has the rights of one from the start, and no mirror is asked. A registry
   * may refuse who asks for less when the repository does not exist yet (quay).
   */
  readonly forPush?: boolean | undefined;
}

/** Inclusive byte positions, as in HTTP (RFC 9110, section 14.1.2). */
export interface ByteRange {
  readonly first: number;
  readonly last?: number;
}

/** Turns a name into a descriptor: the one place where tag or digest is one parameter. */
export interface Resolver {
  /** @throws OciError `MANIFEST_UNKNOWN`, `NAME_UNKNOWN` */
  resolve(tagOrDigest: Tag | Digest, options?: CallOptions): Promise<Descriptor>;
}

export interface ManifestSource {
  /** @throws OciError `MANIFEST_UNKNOWN`, `DIGEST_MISMATCH`, `SIZE_MISMATCH`, `DOCUMENT_INVALID` */
  fetchManifest(descriptor: Descriptor, options?: CallOptions): Promise<ResolvedManifest>;
}

export interface BlobSource {
  /**
   * The verified bytes of a blob: the iteration fails at its end, or before, when they are not what
   * the descriptor says.
   *
   * @throws OciError `BLOB_UNKNOWN`, `DIGEST_MISMATCH`, `SIZE_MISMATCH`
   */
  fetchBlob(descriptor: Descriptor, options?: CallOptions): Promise<AsyncIterable<Uint8Array>>;
}

/** How a blob is pushed to any kind of repository. */
export interface PushBlobOptions extends CallOptions {
  /** Sends the blob without asking whether it is there, since the caller has just asked. Default false. */
  readonly assumeMissing?: boolean | undefined;
}

export interface BlobSink {
  hasBlob(descriptor: Descriptor, options?: CallOptions): Promise<boolean>;
  /** Stores the bytes of `body` when they are what the descriptor says, and nothing otherwise. */
  pushBlob(
    descriptor: Descriptor,
    body: AsyncIterable<Uint8Array>,
    options?: PushBlobOptions,
  ): Promise<void>;
}

export interface ManifestSink {
  /** Stores a manifest under its digest, and under a tag when one is given. @returns its descriptor */
  pushManifest(
    manifest: ResolvedManifest,
    options?: CallOptions & { readonly tag?: Tag | undefined },
  ): Promise<Descriptor>;
}

export interface TagLister {
  /** Every tag, over all pages, in the registry's order. */
  listTags(options?: CallOptions): AsyncIterable<Tag>;
}

export interface ReferrerLister {
  /**
   * What refers to a manifest as its subject; of an unknown subject nothing. The registry's words but for the
   * digest: types and sizes are hints.
   */
  listReferrers(
    subject: Pick<Descriptor, 'digest'>,
    options?: CallOptions & {
      readonly artifactType?: string | undefined;
      /** Hears of a list that may not be read, and is taken for one that is not there. */
      readonly onUnread?: ((error: OciError) => void) | undefined;
    },
  ): AsyncIterable<Descriptor>;
}

export interface ManifestDeleter {
  /**
   * Deletes a manifest and with it all its tags; it is no referrer of its subject any more.
   *
   * @throws OciError `MANIFEST_UNKNOWN`, `UNSUPPORTED`
   */
  deleteManifest(descriptor: Descriptor, options?: CallOptions): Promise<void>;
}

export interface TagDeleter {
  /** Deletes a tag; the manifest stays. @throws OciError `MANIFEST_UNKNOWN`, `UNSUPPORTED` */
  deleteTag(tag: Tag, options?: CallOptions): Promise<void>;
}

/** Where a repository of a registry is: blobs can be mounted between those of one origin. */
export interface Located {
  readonly name: RepositoryName;
  /** `scheme://host:port` */
  readonly origin: string;
}

export interface BlobMounter {
  /**
   * Takes a blob from another repository of the same place without its bytes; from any when none is named.
   *
   * @returns false when that can't be done: then the blob has to be pushed
   */
  mountBlob(
    descriptor: Descriptor,
    from: RepositoryName | undefined,
    options?: CallOptions,
  ): Promise<boolean>;
}

/** A repository whose reads other places may answer. */
export interface Mirrored<R> {
  /** The same repository, asked itself and never its mirrors: what is written next depends on the answer. */
  withoutMirrors(): R;
}

/** All that is needed to copy from somewhere. */
export interface ReadableRepository extends Resolver, ManifestSource, BlobSource {}

/** A repository of a registry, of a layout, of memory. */
export interface Repository extends ReadableRepository, BlobSink, ManifestSink, TagLister {}
