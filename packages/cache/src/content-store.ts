import {
  type BlobSink,
  type BlobSource,
  type CallOptions,
  type Descriptor,
  type Digest,
  type EventListener,
  OciError,
  type VerifiedFile,
  isOciError,
} from '@oci/spec-types';
import { verified } from '@oci/spec-types/node';

import { blobKey, quarantineKey, recordKey } from './layout.js';
import type { FileObjectStore } from './store/file-object-store.js';
import type { StoredBlob } from './stored-blob.js';

/** Hears of content that was found damaged on disk. */
export type DamageListener = (damage: {
  readonly digest: Digest;
  readonly movedTo: string;
}) => void;

export interface ContentOptions extends CallOptions {
  /** Hears of damage. */
  readonly onEvent?: EventListener | undefined;
}

/**
 * Content by digest. Bytes are verified on the way in; on the way out a file that is as it was when it
 * was verified (size, mtime, inode) is believed, and any other is hashed again. What is damaged is
 * set aside and counts as absent.
 */
export class ContentStore implements BlobSource, BlobSink {
  readonly #store: FileObjectStore;
  readonly #onDamage: DamageListener;

  constructor(store: FileObjectStore, onDamage: DamageListener = () => {}) {
    this.#store = store;
    this.#onDamage = onDamage;
  }

  /**
   * The verified file of a blob; undefined when it is absent or was damaged.
   *
   * @throws OciError `SIZE_MISMATCH` when the descriptor tells a size that its digest does not have
   */
  async get(descriptor: Descriptor, options: ContentOptions = {}): Promise<StoredBlob | undefined> {
    const { digest } = descriptor;
    const info = await this.#store.head(blobKey(digest));
    if (!info) return undefined;
    const isSound =
      (await this.#recordedVersion(digest)) === info.version ||
      (await this.#rehash({ digest, size: info.size }, options));
    if (!isSound) {
      await this.#setAside(digest, options);
      return undefined;
    }
    // The digest is right, so it is the descriptor that is wrong: no reason to give the blob up.
    if (info.size !== descriptor.size) throw sizeMismatch(descriptor, info.size);
    return storedBlob(descriptor, this.#store.pathOf(blobKey(digest)));
  }

  async hasBlob(descriptor: Descriptor, options: ContentOptions = {}): Promise<boolean> {
    return (await this.get(descriptor, options)) !== undefined;
  }

  async fetchBlob(
    descriptor: Descriptor,
    options: CallOptions = {},
  ): Promise<AsyncIterable<Uint8Array>> {
    const object = await this.#store.get(blobKey(descriptor.digest), options);
    if (object) return verified(object.body, descriptor);
    throw new OciError('BLOB_UNKNOWN', `${descriptor.digest} is not in the cache`);
  }

  async pushBlob(
    descriptor: Descriptor,
    body: AsyncIterable<Uint8Array>,
    options: CallOptions = {},
  ): Promise<void> {
    const key = blobKey(descriptor.digest);
    await this.#store.put(key, verified(body, descriptor), {
      ...options,
      condition: { ifAbsent: true },
    });
    const info = await this.#store.head(key);
    // Whoever was first wrote the same bytes, but only what we wrote ourselves is known to be sound.
    if (info?.size === descriptor.size) await this.#record(descriptor.digest, info.version);
  }

  /** Takes over a verified file of the cache's file system; no byte is copied or hashed again. */
  async adopt({ descriptor, path }: VerifiedFile): Promise<StoredBlob> {
    const key = blobKey(descriptor.digest);
    const info = await this.#store.adopt(path, key);
    if (info.size === descriptor.size) await this.#record(descriptor.digest, info.version);
    return storedBlob(descriptor, this.#store.pathOf(key));
  }

  async delete(digest: Digest): Promise<void> {
    await this.#store.delete(blobKey(digest));
    await this.#store.delete(recordKey(digest));
  }

  /** How many blobs there are, and their bytes. */
  async stats(): Promise<{ readonly blobs: number; readonly bytes: number }> {
    let blobs = 0;
    let bytes = 0;
    for await (const key of this.#store.list('blobs/')) {
      blobs += 1;
      bytes += (await this.#store.head(key))?.size ?? 0;
    }
    return { blobs, bytes };
  }

  async #recordedVersion(digest: Digest): Promise<string | undefined> {
    const object = await this.#store.get(recordKey(digest));
    if (!object) return undefined;
    const chunks: Uint8Array[] = [];
    for await (const chunk of object.body) chunks.push(chunk);
    return Buffer.concat(chunks).toString('utf8');
  }

  async #record(digest: Digest, version: string): Promise<void> {
    await this.#store.put(recordKey(digest), once(Buffer.from(version)));
  }

  async #rehash(
    descriptor: Pick<Descriptor, 'digest' | 'size'>,
    options: CallOptions,
  ): Promise<boolean> {
    const object = await this.#store.get(blobKey(descriptor.digest), options);
    if (!object) return false;
    try {
      for await (const chunk of verified(object.body, descriptor)) void chunk;
    } catch (error) {
      if (isOciError(error, 'DIGEST_MISMATCH', 'SIZE_MISMATCH')) return false;
      throw error;
    }
    await this.#record(descriptor.digest, object.info.version);
    return true;
  }

  async #setAside(digest: Digest, { onEvent }: ContentOptions): Promise<void> {
    const target = quarantineKey(digest);
    await this.#store.join([blobKey(digest)], target);
    await this.#store.delete(recordKey(digest));
    const damage = { digest, movedTo: this.#store.pathOf(target) };
    this.#onDamage(damage);
    onEvent?.({ type: 'damaged', ...damage });
  }
}

function storedBlob(descriptor: Descriptor, path: string): StoredBlob {
  return { descriptor, path, __brand: 'StoredBlob' };
}

function sizeMismatch({ digest, size }: Descriptor, actual: number): OciError {
  return new OciError('SIZE_MISMATCH', `${digest} has ${actual} bytes, not ${size}`, {
    hint: 'The manifest that says so is wrong: ask who published it.',
  });
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
