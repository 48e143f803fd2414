import type { ObjectStore, PutCondition } from '@oci/cache';

/** Reads a small JSON object of ours; undefined when it is absent. */
export async function getJson<T>(store: ObjectStore, key: string): Promise<T | undefined> {
  const object = await store.get(key);
  if (!object) return undefined;
  return JSON.parse((await readAll(object.body)).toString('utf8')) as T;
}

export async function putJson(
  store: ObjectStore,
  key: string,
  value: unknown,
  condition?: PutCondition,
): Promise<void> {
  await store.put(key, bytes(Buffer.from(JSON.stringify(value))), { condition });
}

export async function* bytes(content: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  if (content.byteLength > 0) yield content;
}

export async function readAll(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}
