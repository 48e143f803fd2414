import type { ByteRange, CallOptions } from '@oci/spec-types';

/** As much of an object store as the contract needs; stores are not known to this package. */
export interface ObjectStoreLike {
  head(key: string, options?: CallOptions): Promise<ObjectInfoLike | undefined>;
  get(
    key: string,
    options?: CallOptions & { readonly range?: ByteRange | undefined },
  ): Promise<
    { readonly info: ObjectInfoLike; readonly body: AsyncIterable<Uint8Array> } | undefined
  >;
  put(
    key: string,
    body: AsyncIterable<Uint8Array>,
    options?: CallOptions & { readonly condition?: PutConditionLike | undefined },
  ): Promise<StoredVersionLike | undefined>;
  list(
    prefix: string,
    options?: CallOptions & { readonly after?: string | undefined },
  ): AsyncIterable<string>;
  entries(
    prefix: string,
    options?: CallOptions & {
      readonly after?: string | undefined;
      readonly pageSize?: number | undefined;
    },
  ): AsyncIterable<ObjectInfoLike & { readonly key: string }>;
  delete(key: string, options?: CallOptions): Promise<void>;
  readonly deleteVersion?: ((key: string, version: string) => Promise<boolean>) | undefined;
  join(keys: readonly string[], target: string, options?: CallOptions): Promise<StoredVersionLike>;
}

export type PutConditionLike = { readonly ifAbsent: true } | { readonly ifVersion: string };

type StoredVersionLike = Pick<ObjectInfoLike, 'size' | 'version'>;

export interface ObjectInfoLike {
  readonly size: number;
  readonly modifiedAt: number;
  readonly version: string;
}
