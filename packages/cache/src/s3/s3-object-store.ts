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
import { type ByteRange, type CallOptions, throwIfAborted } from '@oci/spec-types';

import { missingPart } from '../store/missing-part.js';
import { ensureObjectKey } from '../store/object-key.js';
import type { ObjectInfo, ObjectStore, PutCondition, StoredObject } from '../store/object-store.js';
import { type Bucket, abortable, copySource, leastPartBytes, locationOf } from './bucket.js';
import { MultipartUpload } from './multipart-upload.js';
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

/** Bytes that one request copies, at most; S3 allows 5 GiB. */
const copyBytes = 1024 * 1024 * 1024;
/** How often a write is tried that meets another of the same object. */
const attempts = 8;

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
  async join(keys: readonly string[], target: string, options: CallOptions = {}): Promise<void> {
    throwIfAborted(options.signal);
    if (!(await this.head(target, options))) {
      const sizes = await Promise.all(keys.map((key) => this.#sizeOf(key, options)));
      const [only, ...others] = keys;
      const [size = 0] = sizes;
      if (only !== undefined && others.length === 0 && size <= copyBytes)
        await this.#copy(only, target, options);
      else if (sizes.slice(0, -1).every((size) => size >= leastPartBytes) && sizes.at(-1) !== 0)
        await this.#copyParts(keys, sizes, { target, signal: options.signal });
      else await this.put(target, this.#concatenate(keys), { ...options, condition: absent });
    }
    for (const key of keys) await this.delete(key, options);
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
    for (let attempt = 1; ; attempt += 1) {
      try {
        const { version = '', size } = await write();
        const info = await this.head(key);
        // Another may have replaced it since.
        return info?.version === version ? info : { size, version, modifiedAt: Date.now() };
      } catch (error) {
        // `If-Match` of an object that is gone is answered by 404.
        if (isRefusedByCondition(error) || isAbsent(error)) return undefined;
        if (!isConflict(error) || attempt >= attempts)
          return onBucket(key, () => Promise.reject(error));
        await sleep(50 * attempt * Math.random());
      }
    }
  }

  async #sizeOf(key: string, options: CallOptions): Promise<number> {
    const info = await this.head(key, options);
    if (info) return info.size;
    throw missingPart(key);
  }

  async #copy(from: string, to: string, { signal }: CallOptions): Promise<void> {
    const CopySource = copySource(this.#bucket, ensureObjectKey(from));
    const command = new CopyObjectCommand({ ...this.#locate(to), CopySource });
    await onBucket(to, () => this.#bucket.client.send(command, abortable(signal)));
  }

  async #copyParts(
    keys: readonly string[],
    sizes: readonly number[],
    { target, signal }: { readonly target: string; readonly signal: AbortSignal | undefined },
  ): Promise<void> {
    const upload = await onBucket(target, () =>
      MultipartUpload.begin(this.#bucket, target, signal),
    );
    try {
      for (const [at, key] of keys.entries())
        for (const span of spans(sizes[at] ?? 0))
          await onBucket(key, () => upload.addCopy({ key: ensureObjectKey(key), ...span }, signal));
      const size = sizes.reduce((sum, size) => sum + size, 0);
      const stored = await this.#conditionally(target, async () => ({
        version: await upload.complete(writeCondition(absent), signal),
        size,
      }));
      if (!stored) await upload.abort();
    } catch (error) {
      await upload.abort();
      throw error;
    }
  }

  async *#concatenate(keys: readonly string[]): AsyncGenerator<Uint8Array, void, undefined> {
    for (const key of keys) {
      const object = await this.get(key);
      if (!object) throw missingPart(key);
      yield* object.body;
    }
  }
}

/** @see S3ObjectStore */
export function createS3ObjectStore(options: S3ObjectStoreOptions): S3ObjectStore {
  return new S3ObjectStore(options);
}

const absent = { ifAbsent: true } as const;

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

/** Pieces of one size but the last. */
async function* inParts(
  body: AsyncIterable<Uint8Array>,
  size: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  let chunks: Uint8Array[] = [];
  let gathered = 0;
  for await (const chunk of body) {
    throwIfAborted(signal);
    for (let rest = chunk; rest.byteLength > 0;) {
      const taken = rest.subarray(0, size - gathered);
      rest = rest.subarray(taken.byteLength);
      // Whoever yields a chunk may use its memory again.
      chunks.push(Uint8Array.from(taken));
      gathered += taken.byteLength;
      if (gathered < size) continue;
      yield Buffer.concat(chunks);
      [chunks, gathered] = [[], 0];
    }
  }
  if (gathered > 0) yield Buffer.concat(chunks);
}

/** Ranges of at most {@link copyBytes}, none of which is too small for a part. */
function spans(size: number): readonly { readonly first: number; readonly last: number }[] {
  const count = Math.max(1, Math.ceil(size / copyBytes));
  const each = Math.ceil(size / count);
  return Array.from({ length: count }, (_, at) => ({
    first: at * each,
    last: Math.min(size, (at + 1) * each) - 1,
  }));
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
