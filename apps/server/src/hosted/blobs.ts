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
import { verified } from '@oci/spec-types/node';

import type { HostedContent, ServedContent } from './content.js';
import { bytes as bodyOf, putJson } from './json-object.js';
import { keys } from './keys.js';

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

  constructor(store: ObjectStore, content: HostedContent) {
    this.#store = store;
    this.#content = content;
  }

  /** Bytes of a blob; undefined when the repository does not have it. */
  async size(name: RepositoryName, digest: Digest): Promise<number | undefined> {
    if (!(await this.#store.head(keys.membership(name, digest)))) return undefined;
    return this.#content.size(digest);
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

  /** Stores verified bytes for a repository. */
  async put(
    name: RepositoryName,
    content: {
      readonly descriptor: Pick<Descriptor, 'digest' | 'size'>;
      readonly body: AsyncIterable<Uint8Array>;
    },
    options: CallOptions = {},
  ): Promise<void> {
    const { descriptor, body } = content;
    await this.#store.put(keys.blob(descriptor.digest), verified(body, descriptor), {
      ...options,
      condition: { ifAbsent: true },
    });
    await this.link(name, descriptor.digest);
  }

  /** Notes that a repository has a blob that is stored. */
  async link(name: RepositoryName, digest: Digest): Promise<void> {
    verifiableAlgorithm(digest);
    if (!(await this.#store.head(keys.name(name)))) {
      await putJson(this.#store, keys.name(name), { begunAt: Date.now() });
    }
    await putJson(this.#store, keys.membership(name, digest), { linkedAt: Date.now() });
  }

  /** @returns whether the repository had it */
  async unlink(name: RepositoryName, digest: Digest): Promise<boolean> {
    if (!(await this.#store.head(keys.membership(name, digest)))) return false;
    await this.#store.delete(keys.membership(name, digest));
    return true;
  }

  /** Makes pieces that were verified the content of a digest. */
  async adopt(name: RepositoryName, digest: Digest, pieces: readonly string[]): Promise<void> {
    await this.#store.join(pieces, keys.blob(digest));
    await this.#content.written(digest);
    await this.link(name, digest);
  }
}
