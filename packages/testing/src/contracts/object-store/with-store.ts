import { bytesOf, collect, inChunks, textOf } from '../../bytes.js';
import type { MakeObjectStore } from '../object-store-contract.js';
import type { ObjectStoreLike } from './object-store.js';

/** Runs a test on a store of its own, which is closed afterwards. */
export function withStore(
  make: MakeObjectStore,
  test: (store: ObjectStoreLike) => Promise<void>,
): () => Promise<void> {
  return async () => {
    const made = await make();
    try {
      await test(made.store);
    } finally {
      await made.close();
    }
  };
}

export function bodyOf(text: string): AsyncIterable<Uint8Array> {
  return inChunks(bytesOf(text), 3);
}

/** The object as text; undefined when there is none. */
export async function readText(store: ObjectStoreLike, key: string): Promise<string | undefined> {
  const object = await store.get(key);
  return object && textOf(await collect(object.body));
}

export async function keysOf(keys: AsyncIterable<string>): Promise<readonly string[]> {
  const all: string[] = [];
  for await (const key of keys) all.push(key);
  return all;
}
