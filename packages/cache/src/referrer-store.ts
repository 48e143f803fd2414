import { type Descriptor, type Digest, singleChunk } from '@oci/spec-types';
import { descriptorSchema } from '@oci/spec-types/schemas';

import { referrerKey, referrersPrefix } from './cache-format.js';
import type { FileObjectStore } from './store/file-object-store.js';

/** What has a manifest as its subject (distribution-spec, "Listing Referrers"): a small file for each. */
export class ReferrerStore {
  readonly #store: FileObjectStore;

  constructor(store: FileObjectStore) {
    this.#store = store;
  }

  async add(subject: Digest, referrer: Descriptor): Promise<void> {
    const body = singleChunk(Buffer.from(JSON.stringify(referrer)));
    await this.#store.put(referrerKey(subject, referrer.digest), body);
  }

  async *list(subject: Digest): AsyncGenerator<Descriptor, void, undefined> {
    for await (const key of this.#store.list(referrersPrefix(subject))) {
      const referrer = parseReferrer(await this.#store.readNote(key));
      if (referrer) yield referrer;
    }
  }

  /** Forgets what refers to a subject. */
  async clear(subject: Digest): Promise<void> {
    for await (const key of this.#store.list(referrersPrefix(subject)))
      await this.#store.delete(key);
  }
}

/** Returns what the file of a referrer says; undefined for what is none. */
export function parseReferrer(text: string | undefined): Descriptor | undefined {
  if (text === undefined) return undefined;
  try {
    return descriptorSchema.read(JSON.parse(text));
  } catch {
    return undefined;
  }
}
