import { randomBytes } from 'node:crypto';

import type { ObjectStore, StoredObject, StoredVersion } from '@oci/cache';
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

import type { ContentData, ContentIndex, StagedData } from './content-index.js';
import { keys } from './keys.js';

/** Content up to this many bytes is kept in memory once it was read: manifests, configs, small packages. */
const smallBytes = 1024 * 1024;
const memoryBytes = 64 * 1024 * 1024;

/** Data of which it is remembered that it was hashed, and what came out. With `max` it would take memory at once. */
const noted = { maxSize: 100_000, sizeCalculation: () => 1 } as const;

/** Content that is served: either whole in memory, or a stream. */
export type ServedContent =
  | { readonly size: number; readonly bytes: Uint8Array }
  | { readonly size: number; readonly body: AsyncIterable<Uint8Array> };

/** Content that was found a moment ago. */
export interface FoundContent {
  readonly digest: Digest;
  readonly size: number;
  /** Absent where its bytes are in memory. */
  readonly data?: string;
}

/** Content in the store. */
export type LocatedContent = Required<FoundContent>;

/** Hears of a copy whose bytes do not have its digest. */
export type CorruptionListener = (digest: Digest, data: string) => void;

/**
 * Content by digest, never unverified: what is small is checked when it comes into memory, what is large
 * while it is sent for the first time. Data that has not changed since is not hashed again. A copy that is
 * corrupt counts as missing, so that the next push stores it again.
 */
export class HostedContent {
  readonly #store: ObjectStore;
  readonly #index: ContentIndex;
  readonly #onCorruption: CorruptionListener;
  readonly #memory = new LRUCache<Digest, Uint8Array>({
    maxSize: memoryBytes,
    // An entry takes memory even where its content has no bytes.
    sizeCalculation: ({ byteLength }) => byteLength + 1,
  });
  /** Versions of data that was hashed. */
  readonly #proven = new LRUCache<string, string>(noted);
  /** Versions of data that is not what it should be; empty for data that is gone. */
  readonly #corrupt = new LRUCache<string, string>(noted);
  readonly #hashing = new SingleFlight<void>();
  readonly #reading = new SingleFlight<Uint8Array | undefined>();

  constructor(
    store: ObjectStore,
    index: ContentIndex,
    onCorruption: CorruptionListener = () => {},
  ) {
    this.#store = store;
    this.#index = index;
    this.#onCorruption = onCorruption;
  }

  /** Content to read; undefined when it is not there, or known to be corrupt. */
  async find(digest: Digest): Promise<FoundContent | undefined> {
    const held = this.#memory.get(digest);
    return held ? { digest, size: held.byteLength } : this.locate(digest);
  }

  /** As {@link find}, for who relies on it that the store has the content: memory may outlive it. */
  async locate(digest: Digest): Promise<LocatedContent | undefined> {
    const record = await this.#index.find(digest);
    if (!record) return undefined;
    const { data, size, corrupt } = record;
    const noted = this.#corrupt.get(data);
    if (corrupt || noted !== undefined) {
      // Data of another version was put in its place, by hand, and is hashed when it is read.
      const version = (await this.#store.head(keys.data(data)))?.version ?? '';
      if (version === noted || version === corrupt?.version) return undefined;
    }
    const located = { digest, size, data };
    if ((this.#memory.get(digest)?.byteLength ?? size) === size) return located;
    // The record is damaged: what is in memory has the digest.
    this.#noteCorrupt(located, (await this.#store.head(keys.data(data)))?.version ?? '');
    return undefined;
  }

  /** Tells whether content is there and has its digest, hashing data that has not been hashed as it is. */
  async isIntact(found: FoundContent, options: CallOptions = {}): Promise<boolean> {
    const { digest, size } = found;
    if (size <= smallBytes) return (await this.#inMemory(found, smallBytes)) !== undefined;
    const located = await this.#located(found);
    if (!located) return false;
    await this.#hashed(located, options);
    return (await this.locate(digest)) !== undefined;
  }

  /** Leaves it to the record of content whether data is corrupt, when it was looked at again. */
  trustRecord(data: string): void {
    this.#corrupt.delete(data);
  }

  /** Stores bytes that have the digest, under a name of their own. */
  async stage(
    descriptor: Pick<Descriptor, 'digest' | 'size'>,
    body: AsyncIterable<Uint8Array>,
    options: CallOptions = {},
  ): Promise<StagedData> {
    const data = newDataId();
    const stagedAt = performance.now();
    const stored = await this.#store.put(keys.data(data), verified(body, descriptor), options);
    if (stored) this.prove(data, stored);
    return { data, size: descriptor.size, stagedAt };
  }

  /** Notes that data was hashed as it was stored. */
  prove(data: string, { version }: Pick<StoredVersion, 'version'>): void {
    this.#proven.set(data, version);
  }

  /** Makes staged data the content of its digest, which something refers to. */
  async adopt(digest: Digest, staged: StagedData): Promise<void> {
    const isGood = ({ data }: ContentData): Promise<boolean> => this.#isProven(data);
    const unneeded = await this.#index.adopt(digest, staged, isGood);
    if (unneeded !== undefined) await this.discard(unneeded);
  }

  /** Removes staged data that did not become content, unless a write that names it may still be on its way. */
  async giveUp(digest: Digest, { data }: StagedData): Promise<void> {
    if (!this.#store.isExclusive) return;
    if ((await this.#index.find(digest))?.data !== data) await this.discard(data);
  }

  /** Keeps content that something refers to now. @returns whether it was there */
  keep(digest: Digest): Promise<boolean> {
    return this.#index.keep(digest);
  }

  /** Removes data that no content is, or will be. What cannot be removed now is found by a collection. */
  async discard(data: string): Promise<void> {
    await this.#store.delete(keys.data(data)).catch(() => {});
  }

  /** Removes content unless something refers to it. @returns the bytes of what it removed */
  async release(digest: Digest, isReferenced: () => Promise<boolean>): Promise<number | undefined> {
    const removed = await this.#index.release(digest, isReferenced);
    if (!removed) return undefined;
    await this.discard(removed.data);
    this.#memory.delete(digest);
    return removed.size;
  }

  /**
   * Opens content, or a part of it; undefined when it is missing or corrupt.
   *
   * @throws OciError `DIGEST_MISMATCH`, `SIZE_MISMATCH` before the end of a stream of corrupt content
   */
  async open(
    found: FoundContent,
    options: CallOptions & { readonly range?: ByteRange | undefined } = {},
  ): Promise<ServedContent | undefined> {
    if (found.size <= smallBytes) {
      const held = await this.#inMemory(found, smallBytes);
      return held && partOf(held, options.range);
    }
    const located = await this.#located(found);
    if (!located) return undefined;
    return this.#fromStore(located, options);
  }

  /** All of it, for what is small by nature; undefined when it is missing or corrupt. */
  read(found: FoundContent): Promise<Uint8Array | undefined> {
    return this.#inMemory(found, maxManifestSize);
  }

  /** What was in memory may not be there any more. */
  async #located({ digest, size, data }: FoundContent): Promise<LocatedContent | undefined> {
    return data === undefined ? this.locate(digest) : { digest, size, data };
  }

  async #fromStore(
    located: LocatedContent,
    options: CallOptions & { readonly range?: ByteRange | undefined },
  ): Promise<ServedContent | undefined> {
    const { digest, data, size } = located;
    const isPart = options.range !== undefined;
    // Nothing tells from a part whether the whole is right.
    if (isPart) await this.#hashed(located, options);
    if (this.#corrupt.has(data) && !(await this.locate(digest))) return undefined;
    const object = await this.#store.get(keys.data(data), options);
    if (!object) {
      const other = await this.#elsewhere(located);
      return other && this.#fromStore(other, options);
    }
    const { info, body } = object;
    if (info.size !== size) return this.#refuse(located, object);
    if (this.#proven.get(data) === info.version) return { size, body };
    if (!isPart) return { size, body: this.#prove(body, { ...located, version: info.version }) };
    await close(body);
    return (await this.locate(digest)) === undefined
      ? undefined
      : this.#fromStore(located, options);
  }

  /** Where content is now whose data is gone: a push may have replaced it. */
  async #elsewhere({ digest, data }: LocatedContent): Promise<LocatedContent | undefined> {
    const now = await this.locate(digest);
    if (now?.data !== data) return now;
    this.#noteCorrupt({ digest, data }, '');
    return undefined;
  }

  /** The same bytes for all who ask, however many they are. */
  async #inMemory(found: FoundContent, limit: number): Promise<Uint8Array | undefined> {
    const held = this.#memory.get(found.digest);
    if (held) return held.byteLength === found.size ? held : undefined;
    const located = await this.#located(found);
    if (!located) return undefined;
    // Whoever asks behind a push does not get what was read before it.
    return this.#reading.do(located.data, () => this.#intoMemory(located, limit));
  }

  async #intoMemory(located: LocatedContent, limit: number): Promise<Uint8Array | undefined> {
    const { digest, size, data } = located;
    const object = await this.#store.get(keys.data(data));
    if (!object) {
      const other = await this.#elsewhere(located);
      return other && this.#intoMemory(other, limit);
    }
    if (object.info.size !== size) return this.#refuse(located, object);
    const bytes = await readBytes(object.body, { limit, what: digest });
    try {
      verifyBytes(bytes, { digest, size });
    } catch (error) {
      this.#noteCorrupt(located, object.info.version);
      return unlessCorrupt(error);
    }
    this.#memory.set(digest, bytes);
    return bytes;
  }

  /** Hashes data of which it is not known what it is worth, once for all who wait for it. */
  async #hashed(located: LocatedContent, options: CallOptions): Promise<void> {
    const { data } = located;
    const info = await this.#store.head(keys.data(data));
    if (!info) return;
    if (info.size !== located.size) return this.#noteCorrupt(located, info.version);
    if ([this.#proven.get(data), this.#corrupt.get(data)].includes(info.version)) return;
    const hash = async (signal: AbortSignal): Promise<void> => {
      const object = await this.#store.get(keys.data(data), { signal });
      if (!object) return;
      const { version } = object.info;
      for await (const chunk of this.#prove(object.body, { ...located, version })) void chunk;
    };
    await this.#hashing.do(data, hash, options).catch(unlessCorrupt);
  }

  async #isProven(data: string): Promise<boolean> {
    const version = this.#proven.get(data);
    if (version === undefined) return false;
    return (await this.#store.head(keys.data(data)))?.version === version;
  }

  /** Breaks an answer of corrupt content before its last byte, so that nobody takes it for whole. */
  async *#prove(
    body: AsyncIterable<Uint8Array>,
    { version, ...located }: LocatedContent & { readonly version: string },
  ): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* verified(body, located);
      this.#proven.set(located.data, version);
    } catch (error) {
      if (isCorrupt(error)) this.#noteCorrupt(located, version);
      throw error;
    }
  }

  /** Takes data of another size than its record says for corrupt, whatever its bytes are. */
  async #refuse(located: LocatedContent, { info, body }: StoredObject): Promise<undefined> {
    await close(body);
    this.#noteCorrupt(located, info.version);
  }

  #noteCorrupt({ digest, data }: Pick<LocatedContent, 'digest' | 'data'>, version: string): void {
    this.#corrupt.set(data, version);
    this.#proven.delete(data);
    this.#onCorruption(digest, data);
  }
}

/** Returns a name for data that nobody else has. */
export function newDataId(): string {
  return randomBytes(16).toString('hex');
}

function isCorrupt(error: unknown): boolean {
  return isOciError(error, 'DIGEST_MISMATCH', 'SIZE_MISMATCH');
}

function unlessCorrupt(error: unknown): undefined {
  if (!isCorrupt(error)) throw error;
}

async function close(body: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of body) if (chunk) break;
}

function partOf(bytes: Uint8Array, range: ByteRange | undefined): ServedContent {
  const part = range ? bytes.subarray(range.first, (range.last ?? bytes.byteLength) + 1) : bytes;
  return { size: bytes.byteLength, bytes: part };
}
