import type { ObjectInfo, ObjectStore } from '@oci/cache';
import {
  type ByteRange,
  type CallOptions,
  type Descriptor,
  type Digest,
  maxManifestSize,
} from '@oci/spec-types';
import { readBytes, verified, verifyBytes } from '@oci/spec-types/node';
import { LRUCache } from 'lru-cache';

import { keys } from './keys.js';

/** Content up to this many bytes is kept in memory once it was read: manifests, configs, small packages. */
const smallBytes = 1024 * 1024;
const memoryBytes = 64 * 1024 * 1024;

/** Digests of which it is remembered that their file was hashed. */
const mostProven = 100_000;

/** Content that is served: either whole in memory, or a stream. */
export type ServedContent =
  | { readonly size: number; readonly bytes: Uint8Array }
  | { readonly size: number; readonly body: AsyncIterable<Uint8Array> };

/**
 * Content by digest, never unverified: what is small is checked when it comes into memory, what is large
 * while it is sent for the first time. A file that has not changed since is not hashed again.
 */
export class HostedContent {
  readonly #store: ObjectStore;
  readonly #memory = new LRUCache<Digest, Uint8Array>({
    maxSize: memoryBytes,
    // An entry takes memory even where its content has no bytes.
    sizeCalculation: ({ byteLength }) => byteLength + 1,
  });
  readonly #proven = new LRUCache<Digest, string>({
    maxSize: mostProven,
    sizeCalculation: () => 1,
  });

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** Bytes of content; undefined when it is not there. */
  async size(digest: Digest): Promise<number | undefined> {
    return (
      this.#memory.get(digest)?.byteLength ?? (await this.#store.head(keys.blob(digest)))?.size
    );
  }

  /**
   * Opens content, or a part of it.
   *
   * @throws OciError `DIGEST_MISMATCH`, `SIZE_MISMATCH`, also at the end of a stream
   */
  async open(
    { digest, size }: Pick<Descriptor, 'digest' | 'size'>,
    options: CallOptions & { readonly range?: ByteRange | undefined } = {},
  ): Promise<ServedContent | undefined> {
    const held = this.#memory.get(digest) ?? (await this.#intoMemory({ digest, size }));
    if (held) return partOf(held, options.range);
    const object = await this.#store.get(keys.blob(digest), options);
    if (!object) return undefined;
    const { info, body } = object;
    if (options.range || this.#proven.get(digest) === info.version)
      return { size: info.size, body };
    return { size: info.size, body: this.#prove(body, { digest, info }) };
  }

  /** All of it, for what is small by nature. */
  async read(descriptor: Pick<Descriptor, 'digest' | 'size'>): Promise<Uint8Array | undefined> {
    const content = await this.open(descriptor);
    if (!content) return undefined;
    if ('bytes' in content) return content.bytes;
    return readBytes(content.body, { limit: maxManifestSize, what: descriptor.digest });
  }

  async #intoMemory(
    descriptor: Pick<Descriptor, 'digest' | 'size'>,
  ): Promise<Uint8Array | undefined> {
    if (descriptor.size > smallBytes) return undefined;
    const object = await this.#store.get(keys.blob(descriptor.digest));
    if (!object) return undefined;
    const bytes = verifyBytes(
      await readBytes(object.body, { limit: smallBytes, what: descriptor.digest }),
      descriptor,
    );
    this.#memory.set(descriptor.digest, bytes);
    return bytes;
  }

  /** Damage on the disk breaks the answer before its last byte, so that nobody takes it for whole. */
  async *#prove(
    body: AsyncIterable<Uint8Array>,
    { digest, info }: { digest: Digest; info: ObjectInfo },
  ): AsyncGenerator<Uint8Array, void, undefined> {
    yield* verified(body, { digest, size: info.size });
    this.#note(digest, info.version);
  }

  /** Notes that the file which content has now was written from bytes that were verified. */
  async written(digest: Digest): Promise<void> {
    const info = await this.#store.head(keys.blob(digest));
    if (info) this.#note(digest, info.version);
  }

  #note(digest: Digest, version: string): void {
    this.#proven.set(digest, version);
  }
}

function partOf(bytes: Uint8Array, range: ByteRange | undefined): ServedContent {
  const part = range ? bytes.subarray(range.first, (range.last ?? bytes.byteLength) + 1) : bytes;
  return { size: bytes.byteLength, bytes: part };
}
