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
   * With a condition the body is small, and the failure of a request whose answer was lost says `retryable`:
   * the object may have been stored.
   *
   * @returns the new version, or undefined when `condition` does not hold
   * @throws OciError `STORAGE_FULL`, `STORAGE_DENIED`, `STORAGE_FAILED`
   */
  put(
    key: string,
    body: AsyncIterable<Uint8Array>,
    options?: CallOptions & { readonly condition?: PutCondition | undefined },
  ): Promise<StoredVersion | undefined>;
  /** Keys below a prefix in byte order, after `after` when it is given. */
  list(
    prefix: string,
    options?: CallOptions & { readonly after?: string | undefined },
  ): AsyncIterable<string>;
  /** As {@link list}, with what is known of each object, so that nobody asks for it one by one. */
  entries(
    prefix: string,
    options?: CallOptions & {
      readonly after?: string | undefined;
      /** Entries that the caller expects to read, so that no more are asked for at once. */
      readonly pageSize?: number | undefined;
    },
  ): AsyncIterable<ListedObject>;
  /** No error when there is no such object. */
  delete(key: string, options?: CallOptions): Promise<void>;
  /**
   * Deletes an object if it is still of a version, in one step. Absent where the store cannot do that.
   *
   * @returns whether it was
   */
  readonly deleteVersion?: ((key: string, version: string) => Promise<boolean>) | undefined;
  /** Whether nothing but this process changes objects. Default false. */
  readonly isExclusive?: boolean | undefined;
  /** Joins objects, in order, to one object, which replaces any that is there, and removes them. */
  join(keys: readonly string[], target: string, options?: CallOptions): Promise<StoredVersion>;
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

/** What is known of an object that was just stored. */
export type StoredVersion = Pick<ObjectInfo, 'size' | 'version'>;

export interface ListedObject extends ObjectInfo {
  readonly key: string;
}

export interface StoredObject {
  readonly info: ObjectInfo;
  readonly body: AsyncIterable<Uint8Array>;
}
