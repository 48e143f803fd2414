import {
  type ByteRange,
  type CallOptions,
  type Descriptor,
  type Digest,
  type RepositoryName,
  throwIfAborted,
  verifiableAlgorithm,
} from '@oci/spec-types';

import type { FoundContent, HostedContent, LocatedContent, ServedContent } from './content.js';
import type { StagedData } from './content-index.js';
import { bytes as bodyOf } from './json-object.js';
import { KeyLocks } from './key-locks.js';
import type { LinkKind } from './link-record.js';
import type { CondemnedLink, Links, Undo } from './links.js';

/** A blob as a repository serves it. */
export interface HostedBlob {
  readonly size: number;
  readonly body: AsyncIterable<Uint8Array>;
}

/** Data that is stored and hashed, for a repository. */
export interface AdoptedContent {
  readonly staged: StagedData;
  /** Default: a blob. */
  readonly kinds?: readonly LinkKind[] | undefined;
  /** Is called when its bytes are taken from a quota, if they are. */
  readonly onReserved?: (() => void) | undefined;
}

/**
 * Content, stored once, and which repository has it: a blob is served only from where it was pushed
 * or mounted to (CVE-2024-39897, CVE-2026-35172).
 */
export class HostedBlobs {
  readonly #content: HostedContent;
  readonly #links: Links;
  /** Of digests, so that changes of one in this process do not get into each other's way. */
  readonly #locks = new KeyLocks();

  constructor(content: HostedContent, links: Links) {
    this.#content = content;
    this.#links = links;
  }

  /** A blob that a repository has, and that is not known to be corrupt. */
  async find(name: RepositoryName, digest: Digest): Promise<LocatedContent | undefined> {
    const isLinked = await this.#links.has(name, digest, 'blob');
    return isLinked ? this.#content.locate(digest) : undefined;
  }

  /** As {@link find}, for a manifest that names the blob: takes it back from a collection that has condemned it. */
  async findToKeep(name: RepositoryName, digest: Digest): Promise<LocatedContent | undefined> {
    const kinds = await this.#links.keep(name, digest);
    return kinds?.includes('blob') ? this.#content.locate(digest) : undefined;
  }

  /** Bytes of a blob; undefined when the repository does not have it. */
  async size(name: RepositoryName, digest: Digest): Promise<number | undefined> {
    return (await this.find(name, digest))?.size;
  }

  /** Tells whether a repository has content as a manifest. */
  hasManifest(name: RepositoryName, digest: Digest): Promise<boolean> {
    return this.#links.has(name, digest, 'manifest');
  }

  /** Tells whether a repository has content as a blob, also where its bytes are damaged or gone. */
  isLinked(name: RepositoryName, digest: Digest): Promise<boolean> {
    return this.#links.has(name, digest, 'blob');
  }

  /** As {@link hasManifest}, of one that no deletion has condemned. */
  isManifestKept(name: RepositoryName, digest: Digest): Promise<boolean> {
    return this.#links.isKept(name, digest, 'manifest');
  }

  /** Takes a manifest back from a deletion that has condemned it. @returns whether it is there */
  async keepManifest(name: RepositoryName, digest: Digest): Promise<boolean> {
    return (await this.#links.keep(name, digest)) !== undefined;
  }

  /** Tells whether a blob that was found has its digest. */
  isIntact(found: FoundContent, options: CallOptions = {}): Promise<boolean> {
    return this.#content.isIntact(found, options);
  }

  async open(
    name: RepositoryName,
    digest: Digest,
    options: CallOptions = {},
  ): Promise<HostedBlob | undefined> {
    throwIfAborted(options.signal);
    const found = await this.find(name, digest);
    const content = found && (await this.serve(found, options));
    if (!content) return undefined;
    return { size: content.size, body: 'bytes' in content ? bodyOf(content.bytes) : content.body };
  }

  /** A blob that was found, or a part of it. */
  serve(
    found: FoundContent,
    options: CallOptions & { readonly range?: ByteRange | undefined },
  ): Promise<ServedContent | undefined> {
    return this.#content.open(found, options);
  }

  /**
   * Stores bytes for a repository when they have the digest.
   *
   * @returns what takes the blob from it
   * @throws QuotaExceeded
   */
  async put(
    name: RepositoryName,
    content: {
      readonly descriptor: Pick<Descriptor, 'digest' | 'size'>;
      readonly body: AsyncIterable<Uint8Array>;
      /** Default: a blob. */
      readonly kinds?: readonly LinkKind[];
    },
    options: CallOptions = {},
  ): Promise<Undo> {
    const { descriptor, body, kinds } = content;
    verifiableAlgorithm(descriptor.digest);
    const staged = await this.#content.stage(descriptor, body, options);
    return this.adopt(name, descriptor.digest, { staged, kinds });
  }

  /** As {@link put}, of data that is stored and hashed. */
  adopt(
    name: RepositoryName,
    digest: Digest,
    { staged, kinds = ['blob'], onReserved }: AdoptedContent,
  ): Promise<Undo> {
    return this.#locks.hold(digest, async () => {
      const { data, size } = staged;
      const added = this.#links.add(name, digest, { kinds, size, onReserved });
      const unlink = await added.catch(async (error: unknown) => {
        await this.#content.discard(data);
        throw error;
      });
      try {
        await this.#content.adopt(digest, staged);
      } catch (error) {
        // The failure that led here is the one to tell of.
        await this.#takeBack(digest, unlink).catch(() => {});
        await this.#content.giveUp(digest, staged).catch(() => {});
        throw error;
      }
      return () => this.#locks.hold(digest, () => this.#takeBack(digest, unlink));
    });
  }

  /** Gives a repository a blob that another one has. @returns whether that one still has it, and intact */
  async mount(name: RepositoryName, digest: Digest, from: RepositoryName): Promise<boolean> {
    const found = await this.find(from, digest);
    // A client that has the bytes pushes them when they cannot be mounted.
    if (!found || !(await this.isIntact(found))) return false;
    return this.#locks.hold(digest, async () => {
      if (!(await this.#links.has(from, digest, 'blob'))) return false;
      const { size } = found;
      const unlink = await this.#links.add(name, digest, { kinds: ['blob'], size });
      if (await this.#content.keep(digest)) return true;
      await unlink();
      return false;
    });
  }

  /** Takes a blob from a repository, and from the store when no other has it. @returns whether it had it */
  unlink(name: RepositoryName, digest: Digest): Promise<boolean> {
    return this.#locks.hold(digest, async () => {
      const had = await this.#links.remove(name, digest, 'blob');
      if (had) await this.#release(digest);
      return had;
    });
  }

  /** Begins the deletion of a manifest: a push that relies on it keeps it from now on. */
  condemn(name: RepositoryName, digest: Digest): Promise<CondemnedLink> {
    return this.#links.condemn(name, digest);
  }

  /** Tells whether no push has kept what was condemned. */
  isStillCondemned(name: RepositoryName, digest: Digest, link: CondemnedLink): Promise<boolean> {
    return this.#links.isStill(name, digest, link);
  }

  /** Ends a deletion that leaves the manifest. */
  spare(name: RepositoryName, digest: Digest, link: CondemnedLink): Promise<void> {
    return this.#links.spare(name, digest, link);
  }

  /** As {@link unlink}, of what was condemned. @returns false when a push has kept it */
  forget(name: RepositoryName, digest: Digest, link: CondemnedLink): Promise<boolean> {
    return this.#locks.hold(digest, async () => {
      const isForgotten = await this.#links.removeCondemned(name, digest, link);
      if (isForgotten) await this.#release(digest);
      return isForgotten;
    });
  }

  /**
   * As {@link forget}, of a blob.
   *
   * @returns bytes of content that no repository had any more; undefined when somebody has written the link
   */
  forgetBlob(
    name: RepositoryName,
    digest: Digest,
    link: CondemnedLink,
  ): Promise<number | undefined> {
    return this.#locks.hold(digest, async () => {
      if (!(await this.#links.removeCondemned(name, digest, link))) return undefined;
      return (await this.#release(digest)) ?? 0;
    });
  }

  /** Removes content that no repository has. @returns its bytes; undefined when a repository has it */
  removeUnreferenced(digest: Digest): Promise<number | undefined> {
    return this.#locks.hold(digest, () => this.#release(digest));
  }

  async #takeBack(digest: Digest, unlink: Undo): Promise<void> {
    await unlink();
    await this.#release(digest);
  }

  #release(digest: Digest): Promise<number | undefined> {
    return this.#content.release(digest, () => this.#links.isReferenced(digest));
  }
}
