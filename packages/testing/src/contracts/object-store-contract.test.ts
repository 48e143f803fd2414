import { type ByteRange, type CallOptions, OciError, asOciError } from '@oci/spec-types';

import { collect, inChunks } from '../bytes.js';
import type {
  ObjectInfoLike,
  ObjectStoreLike,
  PutConditionLike,
} from './object-store/object-store.js';
import { objectStoreContract } from './object-store-contract.js';

interface Kept {
  readonly bytes: Uint8Array;
  readonly info: ObjectInfoLike;
}

/** The least that keeps the contract. */
class MapStore implements ObjectStoreLike {
  readonly #objects = new Map<string, Kept>();
  #version = 0;

  async head(key: string): Promise<ObjectInfoLike | undefined> {
    return this.#objects.get(ensureKey(key))?.info;
  }

  async get(
    key: string,
    options: CallOptions & { readonly range?: ByteRange | undefined } = {},
  ): ReturnType<ObjectStoreLike['get']> {
    refuseAborted(options);
    const kept = this.#objects.get(ensureKey(key));
    if (!kept) return undefined;
    const { first, last = kept.info.size } = options.range ?? { first: 0 };
    return { info: kept.info, body: inChunks(kept.bytes.subarray(first, last + 1), 65_536) };
  }

  async put(
    key: string,
    body: AsyncIterable<Uint8Array>,
    options: CallOptions & { readonly condition?: PutConditionLike | undefined } = {},
  ): Promise<ObjectInfoLike | undefined> {
    ensureKey(key);
    refuseAborted(options);
    const bytes = await collect(body);
    refuseAborted(options);
    const { condition } = options;
    const current = this.#objects.get(key)?.info.version;
    if (condition && 'ifAbsent' in condition && current !== undefined) return undefined;
    if (condition && 'ifVersion' in condition && current !== condition.ifVersion) return undefined;
    this.#version += 1;
    const info = { size: bytes.byteLength, modifiedAt: Date.now(), version: String(this.#version) };
    this.#objects.set(key, { bytes, info });
    return info;
  }

  async *list(
    prefix: string,
    { after = '' }: CallOptions & { readonly after?: string | undefined } = {},
  ): AsyncGenerator<string, void, undefined> {
    yield* [...this.#objects.keys()].sort().filter((key) => key.startsWith(prefix) && key > after);
  }

  async *entries(
    prefix: string,
    options?: { readonly after?: string | undefined },
  ): ReturnType<ObjectStoreLike['entries']> {
    for await (const key of this.list(prefix, options)) {
      const kept = this.#objects.get(key);
      if (kept) yield { key, ...kept.info };
    }
  }

  async delete(key: string): Promise<void> {
    this.#objects.delete(ensureKey(key));
  }

  async join(
    keys: readonly string[],
    target: string,
    options: CallOptions = {},
  ): Promise<ObjectInfoLike> {
    ensureKey(target);
    refuseAborted(options);
    const parts = keys.map((key) => this.#objects.get(key)?.bytes);
    const whole = parts.map((bytes) => {
      if (bytes) return bytes;
      throw new OciError('STORAGE_FAILED', 'a part is missing');
    });
    const body = inChunks(await collect(whole));
    const info = await this.put(target, body);
    for (const key of keys) this.#objects.delete(key);
    return info as ObjectInfoLike;
  }
}

function ensureKey(key: string): string {
  const parts = key.split('/');
  if (parts.every((part) => /^[A-Za-z0-9._:@+=-]+$/.test(part) && part !== '.' && part !== '..'))
    return key;
  throw new OciError('INTERNAL', 'bad key');
}

function refuseAborted(options: CallOptions | undefined): void {
  if (options?.signal?.aborted) throw asOciError(options.signal.reason);
}

objectStoreContract('a store of one map', async () => ({
  store: new MapStore(),
  close: async () => {},
}));
