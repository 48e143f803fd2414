import { type Descriptor, isDigest, singleChunk } from '@oci/spec-types';

import {
  type ReferenceKey,
  layoutVersion,
  parseReferenceText,
  referenceKey,
  referenceText,
  tagsPrefix,
} from './layout.js';
import type { ObjectStore, PutCondition } from './store/object-store.js';

/** What a tag pointed to, when, and who said so. */
export interface ReferenceEntry extends Pick<Descriptor, 'digest' | 'mediaType' | 'size'> {
  /** Milliseconds since the epoch. */
  readonly resolvedAt: number;
  /** The registry that answered. */
  readonly source: string;
}

/** An entry as it is stored. */
export interface StoredReference {
  readonly key: ReferenceKey;
  readonly entry: ReferenceEntry;
  /** When this digest became the tag's, in milliseconds since the epoch. */
  readonly storedAt: number;
}

/** Pointers from tags to digests, a small file each, replaced as a whole. */
export class ReferenceStore {
  readonly #store: ObjectStore;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** Undefined when the tag was never resolved, or its file can't be read. */
  async get(key: ReferenceKey): Promise<ReferenceEntry | undefined> {
    return (await this.#read(referenceKey(key)))?.reference.entry;
  }

  async find(key: ReferenceKey): Promise<StoredReference | undefined> {
    return (await this.#read(referenceKey(key)))?.reference;
  }

  /**
   * Points a tag at a manifest. Of several who do so at once none is lost unseen: each is told what it
   * replaced.
   *
   * @returns the reference as it was before
   */
  async set(
    key: ReferenceKey,
    entry: ReferenceEntry,
    now: number = Date.now(),
  ): Promise<StoredReference | undefined> {
    for (;;) {
      const before = await this.#read(referenceKey(key));
      const isSame = before?.reference.entry.digest === entry.digest;
      const storedAt = isSame ? before.reference.storedAt : now;
      const { digest, mediaType, size, resolvedAt, source } = entry;
      const text = JSON.stringify({
        version: layoutVersion,
        name: referenceText(key),
        digest,
        mediaType,
        size,
        resolvedAt,
        storedAt,
        source,
      });
      const condition: PutCondition = before ? { ifVersion: before.version } : { ifAbsent: true };
      // What can't be read is no version to compare with.
      const isBroken = !before && (await this.#store.head(referenceKey(key))) !== undefined;
      const options = isBroken ? {} : { condition };
      const put = await this.#store.put(referenceKey(key), singleChunk(Buffer.from(text)), options);
      if (put) return before?.reference;
    }
  }

  async delete(key: ReferenceKey): Promise<void> {
    await this.#store.delete(referenceKey(key));
  }

  /** Every reference, or those of one repository. */
  async *list(
    repository?: Omit<ReferenceKey, 'tag'>,
  ): AsyncGenerator<StoredReference, void, undefined> {
    for await (const key of this.#store.list(repository ? tagsPrefix(repository) : 'refs/')) {
      const found = await this.#read(key);
      if (found) yield found.reference;
    }
  }

  async #read(
    key: string,
  ): Promise<{ readonly reference: StoredReference; readonly version: string } | undefined> {
    const object = await this.#store.get(key);
    if (!object) return undefined;
    let text = '';
    for await (const chunk of object.body) text += Buffer.from(chunk).toString('utf8');
    const reference = parseReferenceFile(text);
    return reference && { reference, version: object.info.version };
  }
}

function parseReferenceFile(text: string): StoredReference | undefined {
  let value: Partial<Record<string, unknown>> | null;
  try {
    value = JSON.parse(text) as Partial<Record<string, unknown>> | null;
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || value['version'] !== layoutVersion)
    return undefined;
  const { name, digest, mediaType, size, resolvedAt, storedAt, source } = value;
  const key = typeof name === 'string' ? parseReferenceText(name) : undefined;
  if (!key || typeof digest !== 'string' || !isDigest(digest) || typeof mediaType !== 'string')
    return undefined;
  if (!isCount(size) || !isCount(resolvedAt) || !isCount(storedAt) || typeof source !== 'string')
    return undefined;
  return { key, entry: { digest, mediaType, size, resolvedAt, source }, storedAt };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
