import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import {
  type ByteRange,
  type CallOptions,
  Retries,
  defaultRetryRule,
  throwIfAborted,
} from '@oci/spec-types';

import { missingPart } from '../store/missing-part.js';
import { ensureObjectKey } from '../store/object-key.js';
import type {
  JoinOptions,
  ObjectInfo,
  ObjectStore,
  PutCondition,
  StoredObject,
} from '../store/object-store.js';
import { type Bucket, abortable, copySource, leastPartBytes, locationOf } from './bucket.js';
import { MultipartUpload } from './multipart-upload.js';
import { copyBytes, inParts, spans } from './parts.js';
import { isAbsent, isBeyondEnd, isConflict, isRefusedByCondition, onBucket } from './s3-failure.js';
import { writeCondition } from './write-condition.js';

export interface S3ObjectStoreOptions {
  readonly bucket: string;
  /** In front of every key, e.g. `registry/`. */
  readonly prefix?: string | undefined;
  /** A client, or what to make one of: endpoint, region, credentials, `forcePathStyle`. */
  readonly client?: S3Client | S3ClientConfig | undefined;
  /** Bytes of a part of a large object, from 5 MiB. Default 8 MiB. */
  readonly partBytes?: number | undefined;
}

/** A write that meets another of the same object is tried again soon. */
const conflictRule = { ...defaultRetryRule, attempts: 8, baseDelayMs: 50, maxDelayMs: 400 };

type PutOptions = CallOptions & { readonly condition?: PutCondition | undefined };

/**
 * Objects in a bucket of S3, or of what speaks as it does. Conditions are those of S3 itself
 * (`If-None-Match`, `If-Match`), so any number of replicas may share a bucket.
 */
export class S3ObjectStore implements ObjectStore {
  readonly #bucket: Bucket;

  constructor({ bucket, prefix = '', client = {}, partBytes }: S3ObjectStoreOptions) {
    this.#bucket = {
      // A checksum of its own is not understood by every store; digests are verified by who stores here.
      client:
        client instanceof S3Client
          ? client
          : new S3Client({ requestChecksumCalculation: 'WHEN_REQUIRED', ...client }),
      name: bucket,
      prefix: prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`,
      partBytes: Math.max(leastPartBytes, partBytes ?? 8 * 1024 * 1024),
    };
  }

  async head(key: string, options: CallOptions = {}): Promise<ObjectInfo | undefined> {
    const command = new HeadObjectCommand(this.#locate(key));
    try {
      return infoOf(await this.#bucket.client.send(command, abortable(options.signal)));
    } catch (error) {
      if (isAbsent(error)) return undefined;
      return onBucket(key, () => Promise.reject(error));
    }
  }

  async get(
    key: string,
    options: CallOptions & { readonly range?: ByteRange | undefined } = {},
  ): Promise<StoredObject | undefined> {
    throwIfAborted(options.signal);
    const { range, signal } = options;
    const Range = range && `bytes=${range.first}-${range.last ?? ''}`;
    const command = new GetObjectCommand({ ...this.#locate(key), Range });
    try {
      const answer = await this.#bucket.client.send(command, abortable(signal));
      return { info: infoOf(answer), body: read(key, answer.Body as Readable, signal) };
    } catch (error) {
      if (isAbsent(error)) return undefined;
      const info = isBeyondEnd(error) ? await this.head(key, options) : undefined;
      if (info) return { info, body: nothing() };
      return onBucket(key, () => Promise.reject(error));
    }
  }

  async put(
    key: string,
    body: AsyncIterable<Uint8Array>,
    options: PutOptions = {},
  ): Promise<ObjectInfo | undefined> {
    this.#locate(key);
    throwIfAborted(options.signal);
    const parts = inParts(body, this.#bucket.partBytes, options.signal);
    const first = await parts.next();
    const bytes = first.done ? Buffer.alloc(0) : first.value;
    const isWhole = first.done === true || bytes.byteLength < this.#bucket.partBytes;
    return isWhole
      ? this.#putWhole(key, bytes, options)
      : this.#putParts(key, [bytes, parts], options);
  }

  async *list(
    prefix: string,
    options: CallOptions & { readonly after?: string | undefined } = {},
  ): AsyncGenerator<string, void, undefined> {
    const own = this.#bucket.prefix;
    for (let token: string | undefined, isFirst = true; isFirst || token; isFirst = false) {
      throwIfAborted(options.signal);
      const command = new ListObjectsV2Command({
        Bucket: this.#bucket.name,
        Prefix: `${own}${prefix}`,
        ...(options.after !== undefined && { StartAfter: `${own}${options.after}` }),
        ...(token !== undefined && { ContinuationToken: token }),
      });
      const page = await onBucket(prefix, () =>
        this.#bucket.client.send(command, abortable(options.signal)),
      );
      // What ends with a slash is how some tools show a directory.
      for (const { Key = '' } of page.Contents ?? [])
        if (!Key.endsWith('/')) yield Key.slice(own.length);
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
    }
  }

  async delete(key: string, options: CallOptions = {}): Promise<void> {
    const command = new DeleteObjectCommand(this.#locate(key));
    await onBucket(key, () =>
      this.#bucket.client.send(command, abortable(options.signal)).catch((error: unknown) => {
        if (!isAbsent(error)) throw error;
      }),
    );
  }

  /** Objects of 5 MiB and more are joined inside the bucket; smaller ones come here and go back. */
  async join(
    keys: readonly string[],
    target: string,
    { check, signal }: JoinOptions = {},
  ): Promise<ObjectInfo> {
    throwIfAborted(signal);
    this.#locate(target);
    const parts = await Promise.all(keys.map((key) => this.#partOf(key, signal)));
    const isInside =
      (parts.length === 1 && (parts[0]?.size ?? 0) <= copyBytes) ||
      (parts.slice(0, -1).every(({ size }) => size >= leastPartBytes) && parts.at(-1)?.size !== 0);
    const body = check ? check(this.#concatenate(parts)) : this.#concatenate(parts);
    // A copy is of the version that was read: an object that was replaced meanwhile is no part of it.
    if (isInside && check) for await (const chunk of body) void chunk;
    const info = isInside
      ? await this.#copy(parts, target, signal)
      : await this.put(target, body, { signal });
    if (!info) throw missingPart(keys[0] ?? target);
    for (const key of keys) await this.delete(key, { signal });
    return info;
  }

  #locate(key: string): ReturnType<typeof locationOf> {
    return locationOf(this.#bucket, ensureObjectKey(key));
  }

  async #putWhole(
    key: string,
    bytes: Uint8Array,
    { condition, signal }: PutOptions,
  ): Promise<ObjectInfo | undefined> {
    return this.#conditionally(key, async () => {
      const command = new PutObjectCommand({
        ...this.#locate(key),
        ...writeCondition(condition),
        Body: bytes,
      });
      const { ETag } = await this.#bucket.client.send(command, abortable(signal));
      return { version: ETag, size: bytes.byteLength };
    });
  }

  async #putParts(
    key: string,
    [first, rest]: readonly [Uint8Array, AsyncIterable<Uint8Array>],
    { condition, signal }: PutOptions,
  ): Promise<ObjectInfo | undefined> {
    const upload = await onBucket(key, () => MultipartUpload.begin(this.#bucket, key, signal));
    let size = first.byteLength;
    try {
      await onBucket(key, () => upload.add(first, signal));
      for await (const part of rest) {
        size += part.byteLength;
        await onBucket(key, () => upload.add(part, signal));
      }
      throwIfAborted(signal);
      const stored = await this.#conditionally(key, async () => ({
        version: await upload.complete(writeCondition(condition), signal),
        size,
      }));
      if (!stored) await upload.abort();
      return stored;
    } catch (error) {
      await upload.abort();
      throw error;
    }
  }

  /** Undefined when the condition does not hold. */
  async #conditionally(
    key: string,
    write: () => Promise<{ readonly version: string | undefined; readonly size: number }>,
  ): Promise<ObjectInfo | undefined> {
    const retries = new Retries(conflictRule);
    for (;;) {
      try {
        const { version = '', size } = await write();
        const info = await this.head(key);
        // Another may have replaced it since.
        return info?.version === version ? info : { size, version, modifiedAt: Date.now() };
      } catch (error) {
        // `If-Match` of an object that is gone is answered by 404.
        if (isRefusedByCondition(error) || isAbsent(error)) return undefined;
        const next = retries.next({ retryable: isConflict(error) });
        if (!next.again) return onBucket(key, () => Promise.reject(error));
        await sleep(next.delayMs);
      }
    }
  }

  async #partOf(key: string, signal: AbortSignal | undefined): Promise<Part> {
    const info = await this.head(key, { signal });
    if (info) return { key, ...info };
    throw missingPart(key);
  }

  /** Undefined when the one part was replaced. */
  async #copy(
    parts: readonly Part[],
    target: string,
    signal: AbortSignal | undefined,
  ): Promise<ObjectInfo | undefined> {
    const [only, ...others] = parts;
    if (!only || others.length > 0) return this.#copyParts(parts, target, signal);
    return this.#conditionally(target, async () => {
      const command = new CopyObjectCommand({
        ...this.#locate(target),
        CopySource: copySource(this.#bucket, ensureObjectKey(only.key)),
        CopySourceIfMatch: only.version,
      });
      const { CopyObjectResult } = await this.#bucket.client.send(command, abortable(signal));
      return { version: CopyObjectResult?.ETag, size: only.size };
    });
  }

  async #copyParts(
    parts: readonly Part[],
    target: string,
    signal: AbortSignal | undefined,
  ): Promise<ObjectInfo | undefined> {
    const upload = await onBucket(target, () =>
      MultipartUpload.begin(this.#bucket, target, signal),
    );
    try {
      for (const { key, size, version } of parts)
        for (const span of spans(size))
          await onBucket(key, () =>
            upload.addCopy({ key: ensureObjectKey(key), version, ...span }, signal),
          );
      const size = parts.reduce((sum, part) => sum + part.size, 0);
      return await this.#conditionally(target, async () => ({
        version: await upload.complete({}, signal),
        size,
      }));
    } catch (error) {
      await upload.abort();
      throw error;
    }
  }

  async *#concatenate(parts: readonly Part[]): AsyncGenerator<Uint8Array, void, undefined> {
    for (const { key, version } of parts) {
      const object = await this.get(key);
      if (object?.info.version !== version) throw missingPart(key);
      yield* object.body;
    }
  }
}

/** @see S3ObjectStore */
export function createS3ObjectStore(options: S3ObjectStoreOptions): S3ObjectStore {
  return new S3ObjectStore(options);
}

interface Part extends ObjectInfo {
  readonly key: string;
}

function infoOf(answer: {
  readonly ContentLength?: number | undefined;
  readonly ContentRange?: string | undefined;
  readonly ETag?: string | undefined;
  readonly LastModified?: Date | undefined;
}): ObjectInfo {
  const total = /\/(\d+)$/.exec(answer.ContentRange ?? '')?.[1];
  return {
    size: total === undefined ? (answer.ContentLength ?? 0) : Number(total),
    modifiedAt: answer.LastModified?.getTime() ?? 0,
    version: answer.ETag ?? '',
  };
}

async function* read(
  key: string,
  body: Readable,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  try {
    for (;;) {
      throwIfAborted(signal);
      const next = await onBucket(key, () => chunks.next());
      if (next.done) return;
      yield next.value;
    }
  } finally {
    body.destroy();
  }
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {}
