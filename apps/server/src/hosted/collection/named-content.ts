import type { ObjectStore } from '@oci/cache';
import {
  type Digest,
  type RepositoryName,
  isDigest,
  isOciError,
  maxManifestSize,
} from '@oci/spec-types';
import { readBytes, verifyBytes } from '@oci/spec-types/node';

import type { ContentRecord } from '../content-index.js';
import { keys, partsOfManifestKey, repositoryOfKey } from '../keys.js';
import type { Links } from '../links.js';
import type { Records } from '../records.js';
import { DataFilter } from './data-filter.js';

interface NamedContentParts {
  readonly store: ObjectStore;
  readonly records: Records;
  readonly links: Links;
}

/** Looks at content that a push or a deletion changes meanwhile. */
const tries = 3;

/**
 * Which content the manifests of each repository name, in a filter: what they name is always found. A repository with
 * a manifest that cannot be read names everything.
 */
export class NamedContent {
  readonly #parts: NamedContentParts;
  readonly #filter: DataFilter;

  /** @param expected how many pairs of a repository and content there are, about */
  constructor(parts: NamedContentParts, expected: number) {
    this.#parts = parts;
    this.#filter = new DataFilter(expected);
  }

  /** @param key of {@link keys.link} */
  mayHave(key: string): boolean {
    return this.#filter.has(key) || this.#filter.has(keys.repository(repositoryOfKey(key)));
  }

  /**
   * Adds what a manifest names. Nothing of its record is needed, which may be damaged.
   *
   * @param key of {@link keys.manifest}
   * @returns false when it cannot be read
   */
  async read(key: string, signal?: AbortSignal): Promise<boolean> {
    const parts = partsOfManifestKey(key);
    if (!parts) return true;
    const { name, digest } = parts;
    for (let left = tries; left > 0; left -= 1) {
      const bytes = await this.#bytesOf(digest, signal);
      const isAdded = bytes && this.#add(name, bytes);
      if (isAdded || (await this.#isDeleted(key, parts))) return true;
    }
    this.#filter.add(keys.repository(name));
    return false;
  }

  #add(name: RepositoryName, bytes: Uint8Array): boolean {
    try {
      const document: unknown = JSON.parse(new TextDecoder().decode(bytes));
      for (const digest of digestsIn(document)) this.#filter.add(keys.link(digest, name));
      return true;
    } catch (error) {
      if (error instanceof SyntaxError) return false;
      throw error;
    }
  }

  /** Past what requests keep in memory, which a pass would drive out. */
  async #bytesOf(digest: Digest, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    const { store, records } = this.#parts;
    const { value } = await records.scan<ContentRecord>(keys.content(digest));
    if (!value) return undefined;
    const object = await store.get(keys.data(value.data), signal ? { signal } : {});
    if (!object) return undefined;
    try {
      const bytes = await readBytes(object.body, { limit: maxManifestSize, what: digest });
      verifyBytes(bytes, { digest, size: value.size });
      return bytes;
    } catch (error) {
      if (isOciError(error, 'DIGEST_MISMATCH', 'SIZE_MISMATCH', 'LIMIT_EXCEEDED')) return undefined;
      throw error;
    }
  }

  /** Also of a deletion that ended between link and record: only a push, which looks at its blobs, brings it back. */
  async #isDeleted(
    key: string,
    { name, digest }: { readonly name: RepositoryName; readonly digest: Digest },
  ): Promise<boolean> {
    const { records, links } = this.#parts;
    if (!(await records.has(key))) return true;
    const isContent = await records.has(keys.content(digest));
    return !isContent && !(await links.has(name, digest, 'manifest'));
  }
}

/** All that may name content, in whichever field. */
function* digestsIn(document: unknown): Generator<Digest, void, undefined> {
  const left: unknown[] = [document];
  while (left.length > 0) {
    const value = left.pop();
    if (isDigest(value)) yield value;
    else if (typeof value === 'object' && value !== null)
      for (const each of Object.values(value)) left.push(each);
  }
}
