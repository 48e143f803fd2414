import { rename, rm, utimes } from 'node:fs/promises';

import {
  type BlobSink,
  type BlobSource,
  type CallOptions,
  type Descriptor,
  type Digest,
  OciError,
  type VerifiedFile,
  isOciError,
} from '@oci/spec-types';
import { onStorage, unlessMissing, withFileLock } from '@oci/files';
import { verified } from '@oci/spec-types/node';

import { blobKey, digestOfBlobKey, paths, quarantineKey, recordKey } from './cache-format.js';
import { checkedCopy } from './cloned-file.js';
import { hasLayerContent } from './layer-content.js';
import type { FileObjectStore } from './store/file-object-store.js';
import type { ObjectInfo } from './store/object-store.js';
import type { StoredBlob } from './stored-blob.js';

/** Hears of content that was found corrupt on the disk. */
export type DamageListener = (damage: {
  readonly digest: Digest;
  readonly movedTo: string;
}) => void;

/** Bytes. Of a larger blob it is recorded how its file looked when it was verified. */
const recordedFrom = 64 * 1024;

export interface ReadOptions extends CallOptions {
  /** Hashes the blob whatever is recorded of it: others who may write here can set back sizes and times. */
  readonly rehash?: boolean | undefined;
}

/**
 * Content by digest. Bytes are verified on the way in; on the way out a file that is as it was when it
 * was verified (size, mtime, inode) is believed unless `rehash` says otherwise, and any other is hashed
 * again. What is corrupt is quarantined and counts as absent.
 */
export class ContentStore implements BlobSource, BlobSink {
  readonly #store: FileObjectStore;
  readonly #onDamage: DamageListener;
  readonly #quarantineLock: string;

  constructor(store: FileObjectStore, parts: { onDamage?: DamageListener | undefined } = {}) {
    this.#store = store;
    this.#quarantineLock = store.lockPath('quarantine');
    this.#onDamage = parts.onDamage ?? (() => {});
  }

  /**
   * The verified file of a blob; undefined when it is absent or was corrupt.
   *
   * @throws OciError `SIZE_MISMATCH` when the descriptor tells a size that its digest does not have
   */
  async get(descriptor: Descriptor, options: ReadOptions = {}): Promise<StoredBlob | undefined> {
    const { digest } = descriptor;
    const info = await this.#store.head(blobKey(digest));
    if (!info) return undefined;
    if (options.rehash || !(await this.#isRecorded(digest, info))) {
      const check = await this.#check(digest, options);
      if (check && !check.isSound) await this.#quarantine(digest, check.version, options);
      if (!check?.isSound) return undefined;
    }
    // The digest is right, so it is the descriptor that is wrong: no reason to give the blob up.
    if (info.size !== descriptor.size) throw sizeMismatch(descriptor, info.size);
    return storedBlob(descriptor, this.#store.pathOf(blobKey(digest)));
  }

  /** Where a blob is, or would be. */
  pathOf(digest: Digest): string {
    return this.#store.pathOf(blobKey(digest));
  }

  async hasBlob(descriptor: Descriptor, options: CallOptions = {}): Promise<boolean> {
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
    // What is there may be corrupt, and these bytes are not.
    const info = await this.#store.put(key, verified(body, descriptor), options);
    if (info) await this.#record(descriptor.digest, info);
  }

  /** Takes over a verified file of the cache's file system; no byte is copied or hashed again. */
  async adopt({ descriptor, path }: VerifiedFile): Promise<StoredBlob> {
    const key = blobKey(descriptor.digest);
    await this.#record(descriptor.digest, (await this.#store.adopt(path, key)).info);
    return storedBlob(descriptor, this.#store.pathOf(key));
  }

  /**
   * Copies a blob to a file outside, sharing its storage where the file system can, and hashes the copy: it is right,
   * whoever writes to the cache meanwhile. Until then it is beside `path`, in a file whose name begins with it and a dot.
   *
   * @returns undefined when the blob is absent or was corrupt
   */
  async copyTo(
    descriptor: Descriptor,
    path: string,
    options: CallOptions = {},
  ): Promise<VerifiedFile | undefined> {
    const { digest, size } = descriptor;
    if (!(await this.get(descriptor, options))) return undefined;
    const copy = `${path}.copy`;
    return onStorage({ path, neededBytes: size }, async () => {
      // A call that was killed may have left one.
      await rm(copy, { force: true });
      const isRight = (): Promise<boolean> => hasLayerContent(copy, digest, async () => undefined);
      const isCopied = await checkedCopy(this.pathOf(digest), copy, isRight).catch(unlessMissing);
      if (!isCopied) {
        await this.get(descriptor, { ...options, rehash: true });
        return undefined;
      }
      await rename(copy, path);
      return { descriptor, path, __brand: 'VerifiedFile' };
    });
  }

  /** Bytes of what is there under a digest, unchecked; undefined when nothing is. */
  async size(digest: Digest): Promise<number | undefined> {
    return (await this.#store.head(blobKey(digest)))?.size;
  }

  /** The digests of all blobs in order, behind one when it is given. */
  async *list(after?: Digest): AsyncGenerator<Digest, void, undefined> {
    const options = after === undefined ? {} : { after: blobKey(after) };
    for await (const key of this.#store.list(paths.blobs, options)) {
      const digest = digestOfBlobKey(key);
      if (digest) yield digest;
    }
  }

  /** Hashes a blob, whatever is recorded. What is corrupt is quarantined. @returns whether it is sound */
  async scrub(
    digest: Digest,
    options: CallOptions & { readonly dryRun?: boolean } = {},
  ): Promise<boolean> {
    const check = await this.#check(digest, options);
    if (!check || check.isSound) return true;
    if (!options.dryRun) await this.#quarantine(digest, check.version, options);
    return false;
  }

  /** A small blob is hashed each time: that takes no longer than to read a record. */
  async #isRecorded(digest: Digest, { size, version }: ObjectInfo): Promise<boolean> {
    return size > recordedFrom && (await this.#store.readNote(recordKey(digest))) === version;
  }

  /** Where it can't be noted that a blob is sound, it is hashed again the next time. */
  async #record(digest: Digest, { size, version }: ObjectInfo): Promise<void> {
    if (size <= recordedFrom) return;
    await this.#store.note(recordKey(digest), version).catch((error: unknown) => {
      if (!isOciError(error, 'STORAGE_FULL', 'STORAGE_DENIED', 'STORAGE_FAILED')) throw error;
    });
  }

  async #check(digest: Digest, options: CallOptions): Promise<Check | undefined> {
    const object = await this.#store.get(blobKey(digest), options);
    if (!object) return undefined;
    const { size, version } = object.info;
    try {
      for await (const chunk of verified(object.body, { digest, size })) void chunk;
    } catch (error) {
      if (isOciError(error, 'DIGEST_MISMATCH', 'SIZE_MISMATCH')) return { isSound: false, version };
      throw error;
    }
    await this.#record(digest, object.info);
    return { isSound: true, version };
  }

  /** Unless another has put a sound one in its place meanwhile. */
  async #quarantine(digest: Digest, version: string, { onEvent }: CallOptions): Promise<void> {
    const target = this.#store.pathOf(quarantineKey(digest));
    const isMoved = await withFileLock(this.#quarantineLock, async () => {
      const info = await this.#store.head(blobKey(digest));
      if (info?.version !== version) return false;
      // Only the last corrupt copy is kept to look at.
      await this.#store.delete(quarantineKey(digest));
      await this.#store.join([blobKey(digest)], quarantineKey(digest));
      await this.#store.delete(recordKey(digest));
      // It is kept for a while from now on, however old it is.
      await utimes(target, new Date(), new Date()).catch(() => {});
      return true;
    });
    if (!isMoved) return;
    const damage = { digest, movedTo: target };
    this.#onDamage(damage);
    onEvent?.({ type: 'damaged', ...damage });
  }
}

interface Check {
  readonly isSound: boolean;
  /** Of the object that was read. */
  readonly version: string;
}

function storedBlob(descriptor: Descriptor, path: string): StoredBlob {
  return { descriptor, path, __brand: 'StoredBlob' };
}

function sizeMismatch({ digest, size }: Descriptor, actual: number): OciError {
  return new OciError('SIZE_MISMATCH', `${digest} has ${actual} bytes, not ${size}`, {
    hint: 'The manifest that says so is wrong: ask who published it.',
  });
}
