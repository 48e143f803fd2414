import type { ObjectStore } from '@oci/cache';
import {
  type ByteRange,
  type CallOptions,
  type Descriptor,
  type Digest,
  type RepositoryName,
  throwIfAborted,
  verifiableAlgorithm,
} from '@oci/spec-types';

import type { HostedContent, ServedContent } from './content.js';
import { bytes as bodyOf, putJson } from './json-object.js';
import { keys } from './keys.js';
import type { Reclamation } from './reclamation.js';

/** A blob as a repository serves it. */
export interface HostedBlob {
  readonly size: number;
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * Content, stored once, and which repository has it: a blob is served only from where it was pushed
 * or mounted to (CVE-2024-39897, CVE-2026-35172).
 */
export class HostedBlobs {
  readonly #store: ObjectStore;
  readonly #content: HostedContent;
  readonly #reclamation: Reclamation;

  constructor(
    store: ObjectStore,
    parts: { readonly content: HostedContent; readonly reclamation: Reclamation },
  ) {
    this.#store = store;
    this.#content = parts.content;
    this.#reclamation = parts.reclamation;
  }

  /** Bytes of a blob; undefined when the repository does not have it. */
  async size(name: RepositoryName, digest: Digest): Promise<number | undefined> {
    if (!(await this.#store.head(keys.membership(name, digest)))) return undefined;
    return this.#content.size(digest);
  }

  /** Tells whether content of which {@link size} was asked has its digest. */
  isIntact(digest: Digest, options: CallOptions = {}): Promise<boolean> {
    return this.#content.isIntact(digest, options);
  }

  async open(
    name: RepositoryName,
    digest: Digest,
    options: CallOptions = {},
  ): Promise<HostedBlob | undefined> {
    throwIfAborted(options.signal);
    const size = await this.size(name, digest);
    if (size === undefined) return undefined;
    const content = await this.serve({ digest, size }, options);
    if (!content) return undefined;
    return { size, body: 'bytes' in content ? bodyOf(content.bytes) : content.body };
  }

  /** Content, or a part of it, of which {@link size} was asked. */
  serve(
    descriptor: Pick<Descriptor, 'digest' | 'size'>,
    options: CallOptions & { readonly range?: ByteRange | undefined },
  ): Promise<ServedContent | undefined> {
    return this.#content.open(descriptor, options);
  }

  /** Stores bytes for a repository when they have the digest. */
  async put(
    name: RepositoryName,
    content: {
      readonly descriptor: Pick<Descriptor, 'digest' | 'size'>;
      readonly body: AsyncIterable<Uint8Array>;
    },
    options: CallOptions = {},
  ): Promise<void> {
    const { descriptor, body } = content;
    await this.#reclamation.protect(descriptor.digest, async () => {
      await this.#content.put(descriptor, body, options);
      await this.#link(name, descriptor.digest);
    });
  }

  /** As {@link put}, of pieces in the store, which are removed. */
  async join(
    name: RepositoryName,
    descriptor: Pick<Descriptor, 'digest' | 'size'>,
    pieces: readonly string[],
  ): Promise<void> {
    await this.#reclamation.protect(descriptor.digest, async () => {
      await this.#content.join(descriptor, pieces);
      await this.#link(name, descriptor.digest);
    });
  }

  /** Gives a repository a blob that another one has. @returns whether that one still has it, and intact */
  mount(name: RepositoryName, digest: Digest, from: RepositoryName): Promise<boolean> {
    return this.#reclamation.protect(digest, async () => {
      if ((await this.size(from, digest)) === undefined) return false;
      // A client that has the bytes pushes them when they cannot be mounted.
      if (!(await this.isIntact(digest))) return false;
      await this.#link(name, digest);
      return true;
    });
  }

  /** Takes a blob from a repository, and from the disk when nothing else refers to it. @returns whether it had it */
  async unlink(name: RepositoryName, digest: Digest): Promise<boolean> {
    if (!(await this.#store.head(keys.membership(name, digest)))) return false;
    await this.forget(name, digest);
    return true;
  }

  /** As {@link unlink}, for content that the repository may refer to in another way. */
  async forget(name: RepositoryName, digest: Digest): Promise<void> {
    await this.#store.delete(keys.membership(name, digest));
    await this.#reclamation.reclaim(digest);
  }

  async #link(name: RepositoryName, digest: Digest): Promise<void> {
    verifiableAlgorithm(digest);
    if (!(await this.#store.head(keys.name(name)))) {
      await putJson(this.#store, keys.name(name), { begunAt: Date.now() });
    }
    await putJson(this.#store, keys.membership(name, digest), { linkedAt: Date.now() });
  }
}
