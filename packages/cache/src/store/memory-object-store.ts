import { type ByteRange, type CallOptions, throwIfAborted } from '@oci/spec-types';

import { missingPart } from './missing-part.js';
import { ensureObjectKey } from './object-key.js';
import type {
  ListedObject,
  ObjectInfo,
  ObjectStore,
  PutCondition,
  StoredObject,
} from './object-store.js';

interface Held {
  readonly bytes: Buffer;
  readonly info: ObjectInfo;
}

/** Objects in memory, gone with the process: for tests and throw-away registries. */
export class MemoryObjectStore implements ObjectStore {
  readonly isExclusive: boolean = false;
  readonly #objects = new Map<string, Held>();
  #version = 0;

  async head(key: string): Promise<ObjectInfo | undefined> {
    return this.#objects.get(ensureObjectKey(key))?.info;
  }

  async get(
    key: string,
    options: CallOptions & { readonly range?: ByteRange | undefined } = {},
  ): Promise<StoredObject | undefined> {
    throwIfAborted(options.signal);
    const held = this.#objects.get(ensureObjectKey(key));
    if (!held) return undefined;
    const { first = 0, last } = options.range ?? {};
    const bytes = held.bytes.subarray(first, last === undefined ? undefined : last + 1);
    return { info: held.info, body: pieces(bytes, options.signal) };
  }

  async put(
    key: string,
    body: AsyncIterable<Uint8Array>,
    options: CallOptions & { readonly condition?: PutCondition | undefined } = {},
  ): Promise<ObjectInfo | undefined> {
    ensureObjectKey(key);
    throwIfAborted(options.signal);
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) {
      throwIfAborted(options.signal);
      chunks.push(chunk);
    }
    const current = this.#objects.get(key);
    const { condition } = options;
    if (condition && 'ifAbsent' in condition && current) return undefined;
    if (condition && 'ifVersion' in condition && current?.info.version !== condition.ifVersion)
      return undefined;
    return this.#set(key, Buffer.concat(chunks));
  }

  async *list(
    prefix: string,
    options: CallOptions & { readonly after?: string | undefined } = {},
  ): AsyncGenerator<string, void, undefined> {
    const keys = [...this.#objects.keys()]
      .filter((key) => key.startsWith(prefix))
      .sort((a, b) => (a < b ? -1 : 1));
    for (const key of keys) if (options.after === undefined || key > options.after) yield key;
  }

  async *entries(
    prefix: string,
    options: CallOptions & { readonly after?: string | undefined } = {},
  ): AsyncGenerator<ListedObject, void, undefined> {
    for await (const key of this.list(prefix, options)) {
      const held = this.#objects.get(key);
      if (held) yield { key, ...held.info };
    }
  }

  async delete(key: string): Promise<void> {
    this.#objects.delete(ensureObjectKey(key));
  }

  async deleteVersion(key: string, version: string): Promise<boolean> {
    return this.#objects.get(ensureObjectKey(key))?.info.version === version
      ? this.#objects.delete(key)
      : false;
  }

  async join(
    keys: readonly string[],
    target: string,
    { signal }: CallOptions = {},
  ): Promise<ObjectInfo> {
    throwIfAborted(signal);
    ensureObjectKey(target);
    const bytes = Buffer.concat(keys.map((key) => this.#part(key)));
    for (const key of keys) this.#objects.delete(key);
    return this.#set(target, bytes);
  }

  #part(key: string): Buffer {
    const held = this.#objects.get(ensureObjectKey(key));
    if (held) return held.bytes;
    throw missingPart(key);
  }

  #set(key: string, bytes: Buffer): ObjectInfo {
    this.#version += 1;
    const info = { size: bytes.byteLength, modifiedAt: Date.now(), version: String(this.#version) };
    this.#objects.set(key, { bytes, info });
    return info;
  }
}

export function createMemoryObjectStore(): MemoryObjectStore {
  return new MemoryObjectStore();
}

/** Bytes of one piece: a reader that is slow, or gives up, does so between two. */
const pieceSize = 1024 * 1024;

async function* pieces(
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.byteLength; at += pieceSize) {
    throwIfAborted(signal);
    yield bytes.subarray(at, at + pieceSize);
  }
}
