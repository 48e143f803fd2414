import type {
  CallOptions,
  Descriptor,
  Digest,
  RepositoryName,
  ResolvedManifest,
  Tag,
} from '@oci/spec-types';

import type { UsageRecord } from '../hosted/rules/pull-counts.js';

/** Bytes by their digest, with the size that they have, whatever a manifest says of it. */
export type Content = Pick<Descriptor, 'digest' | 'size'>;

/** A manifest that a repository lists. */
export interface ListedManifest {
  readonly digest: Digest;
  /** Milliseconds since the epoch; absent where nobody noted it. */
  readonly pushedAt?: number | undefined;
  /** How often it was pulled, and when last, by which retention decides. */
  readonly usage?: UsageRecord | undefined;
}

/** A tag that a repository lists. */
export interface ListedTag extends ListedManifest {
  readonly tag: Tag;
}

/** A manifest whose bytes were read and verified. */
export interface ReadManifest {
  readonly manifest: ResolvedManifest;
  readonly pushedAt?: number | undefined;
  /** What it names and its repository did not have, where that was noted. */
  readonly missing?: readonly Digest[] | undefined;
}

/**
 * A repository that is exported or imported, manifest by manifest: it lists each that it has, so that no graph is
 * walked. What it does not have is undefined; what it should have and cannot give is a failure.
 */
export interface ContentSource {
  readonly name: RepositoryName;
  manifests(options?: CallOptions): AsyncIterable<ListedManifest>;
  /** Names only: what each leads to is asked for when its turn comes. */
  tags(options?: CallOptions): AsyncIterable<Tag>;
  /** A tag as it is now. */
  findTag(tag: Tag): Promise<ListedTag | undefined>;
  readManifest(digest: Digest, options?: CallOptions): Promise<ReadManifest | undefined>;
  /** Bytes of a blob. */
  blobSize(digest: Digest, options?: CallOptions): Promise<number | undefined>;
  /** The verified bytes of a blob. */
  openBlob(content: Content, options?: CallOptions): Promise<AsyncIterable<Uint8Array>>;
}

/** What became of something at the target. */
export type Outcome = 'copied' | 'present';

/** A repository that content is brought to. It hashes all that it stores. */
export interface ContentTarget {
  /** Tells whether a manifest is known to be there with all that belongs to it, so that nothing of it is looked at. */
  isWhole(digest: Digest): Promise<boolean>;
  hasBlob(content: Content, options?: CallOptions): Promise<boolean>;
  pushBlob(content: Content, body: AsyncIterable<Uint8Array>, options?: CallOptions): Promise<void>;
  /** @param missing digests that the manifest names and the source does not have */
  pushManifest(read: ReadManifest, missing: readonly Digest[]): Promise<Outcome>;
  /** Notes what the list of the source says of a manifest that is there. */
  describe(listed: ListedManifest): Promise<void>;
  /** @throws OciError `TAG_EXISTS` when the tag is that of another manifest, and is not moved */
  pushTag(listed: ListedTag, manifest: ReadManifest): Promise<Outcome>;
}
