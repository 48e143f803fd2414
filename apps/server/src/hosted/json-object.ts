import type { ObjectStore, PutCondition } from '@oci/cache';
import { maxManifestSize } from '@oci/spec-types';
import { readBytes } from '@oci/spec-types/node';

/** The largest record is the descriptor of a referrer, with the annotations of its manifest. */
const maxRecordBytes = 2 * maxManifestSize;

/** Reads a small JSON object of ours; undefined when it is absent, or damaged. */
export async function getJson<T>(store: ObjectStore, key: string): Promise<T | undefined> {
  const object = await store.get(key);
  if (!object) return undefined;
  return (await readJson(object.body, key)) as T | undefined;
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

/** Parses a record that this server wrote. A damaged one counts as missing, so that a push writes it again. */
export async function readJson(body: AsyncIterable<Uint8Array>, key: string): Promise<unknown> {
  const text = (await readBytes(body, { limit: maxRecordBytes, what: key })).toString('utf8');
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
