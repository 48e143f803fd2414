import type { Readable } from 'node:stream';

import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { type ByteRange, type CallOptions, throwIfAborted } from '@oci/spec-types';
import { readBytes } from '@oci/spec-types/node';

import { missingPart } from '../store/missing-part.js';
import { ensureObjectKey, isObjectKey } from '../store/object-key.js';
import type {
  ListedObject,
  ObjectInfo,
  ObjectStore,
  PutCondition,
  StoredObject,
  StoredVersion,
} from '../store/object-store.js';
import { type Bucket, abortable, leastPartBytes, locationOf, withContent } from './bucket.js';
import { writeConditionally } from './conditional-write.js';
import { readInTime } from './deadlines.js';
import { MultipartUpload } from './multipart-upload.js';
import { inParts, spans } from './parts.js';
import { type S3ConnectionOptions, connect } from './s3-connection.js';
import { isAbsent, isBeyondEnd, onBucket } from './s3-failure.js';
import { type ServiceTime, countOpenUploads, serviceTime } from './service-facts.js';

export interface S3ObjectStoreOptions {
  readonly bucket: string;
  /** In front of every key, e.g. `registry/`. */
  readonly prefix?: string | undefined;
  readonly connection?: S3ConnectionOptions | undefined;
  /** Bytes of a part of a large object, from 5 MiB. Default 8 MiB. */
  readonly partBytes?: number | undefined;
}

/** Bytes of an object that is written under a condition, at most. */
const mostConditional = 16 * 1024 * 1024;

/**
 * Objects in a bucket of S3, or of what speaks as it does. Conditions are those of S3 itself
 * (`If-None-Match`, `If-Match`), so any number of replicas may share a bucket; they hold for small objects,
 * as the condition of a large one would be that of completing its parts, which some stores ignore.
 */
export class S3ObjectStore implements ObjectStore {
  readonly #bucket: Bucket;

  constructor({ bucket, prefix = '', connection = {}, partBytes }: S3ObjectStoreOptions) {
    this.#bucket = {
      ...connect(connection),
      name: bucket,
      prefix: prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`,
      partBytes: Math.max(leastPartBytes, partBytes ?? 8 * 1024 * 1024),
      matches: { isUnquoted: false },
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
      const { answerMs } = this.#bucket.deadlines;
      const body = read(key, answer.Body as Readable, { signal, answerMs });
      return { info: infoOf(answer), body };
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
    options: CallOptions & { readonly condition?: PutCondition | undefined } = {},
  ): Promise<StoredVersion | undefined> {
    ensureObjectKey(key);
    const { condition, signal } = options;
    throwIfAborted(signal);
    if (condition) {
      const bytes = await readBytes(abortableBody(body, signal), {
        limit: mostConditional,
        what: key,
      });
      const version = await writeConditionally(this.#bucket, { key, bytes }, { condition, signal });
      return version === undefined ? undefined : { version, size: bytes.byteLength };
    }
    const parts = inParts(body, this.#bucket.partBytes, signal);
    const first = await parts.next();
    const bytes = first.done ? Buffer.alloc(0) : first.value;
    const isWhole = first.done === true || bytes.byteLength < this.#bucket.partBytes;
    return isWhole
      ? this.#putWhole(key, bytes, signal)
      : this.#putParts(key, [bytes, parts], signal);
  }

  async *list(
    prefix: string,
    options: CallOptions & { readonly after?: string | undefined } = {},
  ): AsyncGenerator<string, void, undefined> {
    for await (const { key } of this.entries(prefix, options)) yield key;
  }

  async *entries(
    prefix: string,
    {
      after,
      pageSize,
      signal,
    }: CallOptions & {
      readonly after?: string | undefined;
      readonly pageSize?: number | undefined;
    } = {},
  ): AsyncGenerator<ListedObject, void, undefined> {
    const own = this.#bucket.prefix;
    for (let token: string | undefined, isFirst = true; isFirst || token; isFirst = false) {
      throwIfAborted(signal);
      const command = new ListObjectsV2Command({
        Bucket: this.#bucket.name,
        Prefix: `${own}${prefix}`,
        ...(pageSize !== undefined && { MaxKeys: Math.min(1000, Math.max(1, pageSize)) }),
        ...(after !== undefined && { StartAfter: `${own}${after}` }),
        ...(token !== undefined && { ContinuationToken: token }),
      });
      const page = await onBucket(prefix, () =>
        this.#bucket.client.send(command, abortable(signal)),
      );
      for (const { Key = '', Size, ...rest } of page.Contents ?? []) {
        const key = Key.slice(own.length);
        // Others put what they like beside: directories of tools, or unfinished writes of a gateway.
        if (isObjectKey(key)) yield { key, ...infoOf({ ...rest, ContentLength: Size }) };
      }
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
    { signal }: CallOptions = {},
  ): Promise<StoredVersion> {
    throwIfAborted(signal);
    ensureObjectKey(target);
    const parts = await Promise.all(keys.map((key) => this.#partOf(key, signal)));
    const isInside =
      parts.length > 0 &&
      parts.slice(0, -1).every(({ size }) => size >= leastPartBytes) &&
      parts.at(-1)?.size !== 0;
    const stored = isInside
      ? await this.#copyParts(parts, target, signal)
      : await this.put(target, this.#concatenate(parts), { signal });
    if (!stored) throw missingPart(target);
    for (const key of keys) await this.delete(key, { signal });
    return stored;
  }

  /** What time the service says that it is; undefined where it does not. */
  serviceTime({ signal }: CallOptions = {}): Promise<ServiceTime | undefined> {
    return serviceTime(this.#bucket, signal);
  }

  /** Multipart uploads below a prefix that were neither completed nor aborted, at most 1000. */
  countOpenUploads(prefix: string, { signal }: CallOptions = {}): Promise<number> {
    return countOpenUploads(this.#bucket, prefix, signal);
  }

  /** Gives the connections up. */
  close(): void {
    this.#bucket.client.destroy();
    this.#bucket.once.destroy();
  }

  #locate(key: string): ReturnType<typeof locationOf> {
    return locationOf(this.#bucket, ensureObjectKey(key));
  }

  async #putWhole(
    key: string,
    bytes: Uint8Array,
    signal: AbortSignal | undefined,
  ): Promise<StoredVersion> {
    const command = new PutObjectCommand({ ...this.#locate(key), Body: bytes });
    const { ETag = '' } = await onBucket(key, () =>
      this.#bucket.client.send(command, withContent(this.#bucket, signal)),
    );
    return { version: ETag, size: bytes.byteLength };
  }

  #putParts(
    key: string,
    [first, rest]: readonly [Uint8Array, AsyncIterable<Uint8Array>],
    signal: AbortSignal | undefined,
  ): Promise<StoredVersion> {
    return this.#multipart(key, signal, async (upload) => {
      let size = first.byteLength;
      await onBucket(key, () => upload.add(first, signal));
      for await (const part of rest) {
        size += part.byteLength;
        await onBucket(key, () => upload.add(part, signal));
      }
      return size;
    });
  }

  #copyParts(
    parts: readonly Part[],
    target: string,
    signal: AbortSignal | undefined,
  ): Promise<StoredVersion> {
    return this.#multipart(target, signal, async (upload) => {
      for (const { key, size, version } of parts)
        for (const span of spans(size))
          await onBucket(key, () =>
            upload.addCopy({ key: ensureObjectKey(key), version, ...span }, signal),
          );
      return parts.reduce((sum, part) => sum + part.size, 0);
    });
  }

  /** @param addParts returns the bytes of all parts together */
  async #multipart(
    key: string,
    signal: AbortSignal | undefined,
    addParts: (upload: MultipartUpload) => Promise<number>,
  ): Promise<StoredVersion> {
    const upload = await onBucket(key, () => MultipartUpload.begin(this.#bucket, key, signal));
    try {
      const size = await addParts(upload);
      throwIfAborted(signal);
      const version = await onBucket(key, () => upload.complete(signal)).catch(
        async (error: unknown) => {
          // The answer may have been lost, and the request sent again found no parts.
          const info = await this.head(key);
          if (info?.size === size) return info.version;
          throw error;
        },
      );
      // Ceph's radosgw completes without saying which version it made.
      return { size, version: version || ((await this.head(key, { signal }))?.version ?? '') };
    } catch (error) {
      await upload.abort();
      throw error;
    }
  }

  async #partOf(key: string, signal: AbortSignal | undefined): Promise<Part> {
    const info = await this.head(key, { signal });
    if (info) return { key, ...info };
    throw missingPart(key);
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

async function* abortableBody(
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of body) {
    throwIfAborted(signal);
    yield chunk;
  }
}

async function* read(
  key: string,
  body: Readable,
  { signal, answerMs }: { readonly signal: AbortSignal | undefined; readonly answerMs: number },
): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  try {
    for (;;) {
      throwIfAborted(signal);
      const next = await onBucket(key, () => readInTime(body, chunks, answerMs));
      if (next.done) return;
      yield next.value;
    }
  } finally {
    body.destroy();
  }
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {}
