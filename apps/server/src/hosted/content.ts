import type { ObjectInfo, ObjectStore } from '@oci/cache';
import {
  type ByteRange,
  type CallOptions,
  type Descriptor,
  type Digest,
  SingleFlight,
  isOciError,
  maxManifestSize,
} from '@oci/spec-types';
import { readBytes, verified, verifyBytes } from '@oci/spec-types/node';
import { LRUCache } from 'lru-cache';

import { keys } from './keys.js';

/** Content up to this many bytes is kept in memory once it was read: manifests, configs, small packages. */
const smallBytes = 1024 * 1024;
const memoryBytes = 64 * 1024 * 1024;

/** Digests of which it is remembered that their file was hashed, and what came out. */
const mostHashed = 100_000;

/** Content that is served: either whole in memory, or a stream. */
export type ServedContent =
  | { readonly size: number; readonly bytes: Uint8Array }
  | { readonly size: number; readonly body: AsyncIterable<Uint8Array> };

type Identity = Pick<Descriptor, 'digest' | 'size'>;

/** Hears of a copy whose bytes do not have its digest. */
export type CorruptionListener = (digest: Digest) => void;

/**
 * Content by digest, never unverified: what is small is checked when it comes into memory, what is large
 * while it is sent for the first time. A file that has not changed since is not hashed again. A copy that is
 * corrupt counts as missing, so that the next push stores it again.
 */
export class HostedContent {
  readonly #store: ObjectStore;
  readonly #onCorruption: CorruptionListener;
  readonly #memory = new LRUCache<Digest, Uint8Array>({
    maxSize: memoryBytes,
    // An entry takes memory even where its content has no bytes.
    sizeCalculation: ({ byteLength }) => byteLength + 1,
  });
  /** Versions of files that were hashed. */
  readonly #proven = new LRUCache<Digest, string>(hashedOptions);
  readonly #corrupt = new LRUCache<Digest, string>(hashedOptions);
  readonly #hashing = new SingleFlight<void>();
  readonly #reading = new SingleFlight<Uint8Array | undefined>();

  constructor(store: ObjectStore, onCorruption: CorruptionListener = () => {}) {
    this.#store = store;
    this.#onCorruption = onCorruption;
  }

  /** Bytes of content; undefined when it is not there, or known to be corrupt. */
  async size(digest: Digest): Promise<number | undefined> {
    const held = this.#memory.get(digest);
    if (held) return held.byteLength;
    const info = await this.#store.head(keys.blob(digest));
    return info && info.version !== this.#corrupt.get(digest) ? info.size : undefined;
  }

  /** Tells whether content is there and has its digest, hashing a file that has not been hashed as it is. */
  async isIntact(digest: Digest, options: CallOptions = {}): Promise<boolean> {
    const size = await this.size(digest);
    if (size === undefined) return false;
    if (size <= smallBytes) return (await this.#inMemory(digest, smallBytes)) !== undefined;
    await this.#hashed(digest, options);
    return (await this.size(digest)) !== undefined;
  }

  /** Stores bytes that have the digest, in place of any copy, which may be corrupt. */
  async put(
    descriptor: Identity,
    body: AsyncIterable<Uint8Array>,
    options: CallOptions = {},
  ): Promise<void> {
    const { digest } = descriptor;
    const info = await this.#store.put(keys.blob(digest), verified(body, descriptor), options);
    if (info) this.#proven.set(digest, info.version);
  }

  /** As {@link put}, of pieces in the store, which are removed. */
  async join(descriptor: Identity, pieces: readonly string[]): Promise<void> {
    const { digest } = descriptor;
    const check = (body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> =>
      verified(body, descriptor);
    const info = await this.#store.join(pieces, keys.blob(digest), { check });
    this.#proven.set(digest, info.version);
  }

  async remove(digest: Digest): Promise<void> {
    await this.#store.delete(keys.blob(digest));
    this.#memory.delete(digest);
  }

  /**
   * Opens content, or a part of it; undefined when it is missing or corrupt.
   *
   * @throws OciError `DIGEST_MISMATCH`, `SIZE_MISMATCH` before the end of a stream of corrupt content
   */
  async open(
    { digest }: Pick<Descriptor, 'digest'>,
    options: CallOptions & { readonly range?: ByteRange | undefined } = {},
  ): Promise<ServedContent | undefined> {
    const size = await this.size(digest);
    if (size === undefined) return undefined;
    if (size <= smallBytes) {
      const held = await this.#inMemory(digest, smallBytes);
      return held && partOf(held, options.range);
    }
    const isPart = options.range !== undefined;
    // Nothing tells from a part whether the whole is right.
    if (isPart) await this.#hashed(digest, options);
    const object = await this.#store.get(keys.blob(digest), options);
    if (!object) return undefined;
    const { info, body } = object;
    if (this.#proven.get(digest) === info.version) return { size: info.size, body };
    if (!isPart) return { size: info.size, body: this.#prove(body, { digest, info }) };
    for await (const chunk of body) if (chunk) break;
    return undefined;
  }

  /** All of it, for what is small by nature; undefined when it is missing or corrupt. */
  async read({ digest }: Pick<Descriptor, 'digest'>): Promise<Uint8Array | undefined> {
    if ((await this.size(digest)) === undefined) return undefined;
    return this.#inMemory(digest, maxManifestSize);
  }

  /** The same bytes for all who ask, however many they are. */
  async #inMemory(digest: Digest, limit: number): Promise<Uint8Array | undefined> {
    const read = (): Promise<Uint8Array | undefined> => this.#intoMemory(digest, limit);
    // Whoever asks behind a push does not get what was read before it.
    const flight = `${digest} ${this.#proven.get(digest)}`;
    return this.#memory.get(digest) ?? this.#reading.do(flight, read);
  }

  async #intoMemory(digest: Digest, limit: number): Promise<Uint8Array | undefined> {
    const object = await this.#store.get(keys.blob(digest));
    if (!object) return undefined;
    const bytes = await readBytes(object.body, { limit, what: digest });
    try {
      verifyBytes(bytes, { digest, size: bytes.byteLength });
    } catch (error) {
      this.#noteCorrupt(digest, object.info.version);
      return unlessCorrupt(error);
    }
    this.#memory.set(digest, bytes);
    return bytes;
  }

  /** Hashes content of which it is not known what its file is worth, once for all who wait for it. */
  async #hashed(digest: Digest, options: CallOptions): Promise<void> {
    const info = await this.#store.head(keys.blob(digest));
    const known = [this.#proven.get(digest), this.#corrupt.get(digest)];
    if (!info || known.includes(info.version)) return;
    const hash = async (signal: AbortSignal): Promise<void> => {
      const object = await this.#store.get(keys.blob(digest), { signal });
      if (!object) return;
      for await (const chunk of this.#prove(object.body, { digest, info: object.info })) void chunk;
    };
    await this.#hashing.do(digest, hash, options).catch(unlessCorrupt);
  }

  /** Breaks an answer of corrupt content before its last byte, so that nobody takes it for whole. */
  async *#prove(
    body: AsyncIterable<Uint8Array>,
    { digest, info }: { digest: Digest; info: ObjectInfo },
  ): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* verified(body, { digest, size: info.size });
      this.#proven.set(digest, info.version);
    } catch (error) {
      if (isCorrupt(error)) this.#noteCorrupt(digest, info.version);
      throw error;
    }
  }

  #noteCorrupt(digest: Digest, version: string): void {
    this.#corrupt.set(digest, version);
    this.#onCorruption(digest);
  }
}

const hashedOptions = { maxSize: mostHashed, sizeCalculation: (): number => 1 };

function isCorrupt(error: unknown): boolean {
  return isOciError(error, 'DIGEST_MISMATCH', 'SIZE_MISMATCH');
}

function unlessCorrupt(error: unknown): undefined {
  if (!isCorrupt(error)) throw error;
}

function partOf(bytes: Uint8Array, range: ByteRange | undefined): ServedContent {
  const part = range ? bytes.subarray(range.first, (range.last ?? bytes.byteLength) + 1) : bytes;
  return { size: bytes.byteLength, bytes: part };
}
