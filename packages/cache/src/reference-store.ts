import { type Descriptor, isDigest } from '@oci/spec-types';

import { type ReferenceKey, layoutVersion, referenceKey } from './layout.js';
import type { ObjectStore } from './store/object-store.js';

/** What a tag pointed to, when, and who said so. */
export interface ReferenceEntry extends Pick<Descriptor, 'digest' | 'mediaType' | 'size'> {
  /** Milliseconds since the epoch. */
  readonly resolvedAt: number;
  /** The registry that answered. */
  readonly source: string;
}

/** Pointers from tags to digests, a small file each, replaced as a whole. */
export class ReferenceStore {
  readonly #store: ObjectStore;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** Undefined when the tag was never resolved, or its file can't be read. */
  async get(key: ReferenceKey): Promise<ReferenceEntry | undefined> {
    const object = await this.#store.get(referenceKey(key));
    if (!object) return undefined;
    let text = '';
    for await (const chunk of object.body) text += Buffer.from(chunk).toString('utf8');
    return parseEntry(text);
  }

  async set(key: ReferenceKey, entry: ReferenceEntry): Promise<void> {
    const { digest, mediaType, size, resolvedAt, source } = entry;
    const text = JSON.stringify({
      version: layoutVersion,
      digest,
      mediaType,
      size,
      resolvedAt,
      source,
    });
    await this.#store.put(referenceKey(key), once(Buffer.from(text)));
  }

  async delete(key: ReferenceKey): Promise<void> {
    await this.#store.delete(referenceKey(key));
  }
}

function parseEntry(text: string): ReferenceEntry | undefined {
  let value: Partial<Record<string, unknown>> | null;
  try {
    value = JSON.parse(text) as Partial<Record<string, unknown>> | null;
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || value['version'] !== layoutVersion)
    return undefined;
  const { digest, mediaType, size, resolvedAt, source } = value;
  if (typeof digest !== 'string' || !isDigest(digest) || typeof mediaType !== 'string')
    return undefined;
  if (!isCount(size) || !isCount(resolvedAt) || typeof source !== 'string') return undefined;
  return { digest, mediaType, size, resolvedAt, source };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
