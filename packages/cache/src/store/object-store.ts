import type { ByteRange, CallOptions } from '@oci/spec-types';

/**
 * Where bytes are kept by key: the little that a directory, memory and an S3-compatible bucket have
 * in common, and that the cache and the server are built on.
 *
 * A key is `/`-joined segments of `[A-Za-z0-9._:@+=-]`, none of them `.` or `..`. An object appears
 * whole or not at all, whoever is killed in the middle.
 */
export interface ObjectStore {
  /** Undefined when there is no such object. */
  head(key: string, options?: CallOptions): Promise<ObjectInfo | undefined>;
  /** Undefined when there is no such object. The body is of the version that `info` describes. */
  get(
    key: string,
    options?: CallOptions & { readonly range?: ByteRange | undefined },
  ): Promise<StoredObject | undefined>;
  /**
   * Stores a whole body. When the body fails, nothing is stored and the failure is passed on.
   *
   * @returns the new version, or undefined when `condition` does not hold
   * @throws OciError `STORAGE_FULL`, `STORAGE_DENIED`, `STORAGE_FAILED`
   */
  put(
    key: string,
    body: AsyncIterable<Uint8Array>,
    options?: CallOptions & { readonly condition?: PutCondition | undefined },
  ): Promise<ObjectInfo | undefined>;
  /** Keys below a prefix in byte order, after `after` when it is given. */
  list(
    prefix: string,
    options?: CallOptions & { readonly after?: string | undefined },
  ): AsyncIterable<string>;
  /** No error when there is no such object. */
  delete(key: string, options?: CallOptions): Promise<void>;
  /**
   * Joins objects, in order, to one object, which replaces any that is there, and removes them. The bytes
   * of the new object pass through `check` before it gets its key; when that fails, nothing is stored.
   *
   * @returns the object whose bytes passed
   */
  join(keys: readonly string[], target: string, options?: JoinOptions): Promise<ObjectInfo>;
}

export interface JoinOptions extends CallOptions {
  /** Passes bytes on, and throws where they are not what the object has to be. */
  readonly check?: ((body: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>) | undefined;
}

/** Store only if there is nothing yet, or only over the version that was read. */
export type PutCondition = { readonly ifAbsent: true } | { readonly ifVersion: string };

export interface ObjectInfo {
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly modifiedAt: number;
  /** Changes whenever the object is replaced. */
  readonly version: string;
}

export interface StoredObject {
  readonly info: ObjectInfo;
  readonly body: AsyncIterable<Uint8Array>;
}
