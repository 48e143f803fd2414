import { stat, utimes } from 'node:fs/promises';

import { type Descriptor, isDigest, singleChunk } from '@oci/spec-types';
import { forEachConcurrent } from '@oci/spec-types/node';
import { unlessMissing } from '@oci/files';
import { LRUCache } from 'lru-cache';

import type { LayoutIndex } from './layout-index.js';
import {
  type ReferenceId,
  type ReferenceKey,
  parseReferenceText,
  paths,
  recordVersion,
  referenceId,
  referenceKey,
  referenceText,
  tagsPrefix,
} from './cache-format.js';
import type { MarkerFiles } from './state/marker-files.js';
import type { FileObjectStore } from './store/file-object-store.js';
import type { PutCondition } from './store/object-store.js';

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

/** A use is noted unless an earlier one was within this many milliseconds. */
const useMs = 60 * 60_000;
/** References that are removed at once. */
const removedAtOnce = 16;

/** What a {@link ReferenceStore} is made of. */
export interface ReferenceStoreParts {
  readonly store: FileObjectStore;
  readonly index: LayoutIndex;
  /** References that are named, and whose pull has not ended. */
  readonly unindexed: MarkerFiles;
  /** Called before a reference is named. */
  readonly ensureFormat: () => Promise<void>;
}

/** Pointers from tags to digests, a small file each, replaced as a whole; its mtime is the last use. */
export class ReferenceStore {
  readonly #store: FileObjectStore;
  readonly #index: LayoutIndex;
  readonly #unindexed: MarkerFiles;
  readonly #ensureFormat: () => Promise<void>;
  /** When this process knows a use to be noted; one that is forgotten is noted again. */
  readonly #notedAt = new LRUCache<ReferenceId, number>({ max: 10_000 });

  constructor({ store, index, unindexed, ensureFormat }: ReferenceStoreParts) {
    this.#store = store;
    this.#index = index;
    this.#unindexed = unindexed;
    this.#ensureFormat = ensureFormat;
  }

  /** Undefined when the tag was never resolved, or its file can't be read. */
  async get(key: ReferenceKey): Promise<ReferenceEntry | undefined> {
    return (await this.#read(referenceKey(key)))?.reference.entry;
  }

  async find(key: ReferenceKey): Promise<StoredReference | undefined> {
    return (await this.#read(referenceKey(key)))?.reference;
  }

  /**
   * Points a tag at a manifest, which is kept from now on, with all that it points to. It counts as a use.
   *
   * @returns the reference as it was before
   */
  async set(
    key: ReferenceKey,
    entry: ReferenceEntry,
    now: number = Date.now(),
  ): Promise<StoredReference | undefined> {
    const id = referenceId(key);
    if ((await this.get(key))?.digest !== entry.digest) {
      await this.#ensureFormat();
      await this.#unindexed.add(id);
    }
    const before = await this.#replace(key, entry, now);
    await utimes(this.#pathOf(key), now / 1000, now / 1000);
    this.#notedAt.set(id, now);
    return before;
  }

  /** Adds a reference to `index.json`: all of it is here. */
  async complete(key: ReferenceKey, descriptor: Descriptor): Promise<void> {
    await this.#index.add({ descriptor, name: key });
    await this.#unindexed.remove(referenceId(key));
  }

  /** Whether all of a reference is here, and `index.json` names it. */
  async isComplete(key: ReferenceKey): Promise<boolean> {
    return !(await this.#unindexed.has(referenceId(key)));
  }

  /** Takes tags away, in `index.json` first; what they alone needed goes with the next pruning. */
  async remove(keys: readonly ReferenceKey[]): Promise<void> {
    await this.#index.remove(keys);
    const remove = async (key: ReferenceKey): Promise<void> => {
      this.#notedAt.delete(referenceId(key));
      await this.#store.delete(referenceKey(key));
      await this.#unindexed.remove(referenceId(key));
    };
    await forEachConcurrent(keys, remove, { limit: removedAtOnce });
  }

  /** Notes that a reference is used, at most once an hour. Where nothing can be written it is not noted. */
  async use(key: ReferenceKey, now: number = Date.now()): Promise<void> {
    if (this.isUseNoted(key, now)) return;
    try {
      const lastUse = await this.lastUse(key);
      if (lastUse === undefined) return;
      const isNoted = isWithin(useMs, lastUse, now);
      if (!isNoted) await utimes(this.#pathOf(key), now / 1000, now / 1000);
      this.#notedAt.set(referenceId(key), isNoted ? lastUse : now);
    } catch {
      // The use counts all the same; retention only knows an earlier one.
    }
  }

  /** Whether this process knows that a use at that time is noted. */
  isUseNoted(key: ReferenceKey, now: number = Date.now()): boolean {
    const notedAt = this.#notedAt.get(referenceId(key));
    return notedAt !== undefined && isWithin(useMs, notedAt, now);
  }

  /** Milliseconds since the epoch; undefined for a reference that is not here. */
  async lastUse(key: ReferenceKey): Promise<number | undefined> {
    return (await stat(this.#pathOf(key)).catch(unlessMissing))?.mtimeMs;
  }

  /** After everything was removed: what was noted in memory is no longer so. */
  forgetUses(): void {
    this.#notedAt.clear();
  }

  #pathOf(key: ReferenceKey): string {
    return this.#store.pathOf(referenceKey(key));
  }

  /** Of several who replace a reference at once none is lost unseen: each is told what it replaced. */
  async #replace(
    key: ReferenceKey,
    { digest, mediaType, size, resolvedAt, source }: ReferenceEntry,
    now: number,
  ): Promise<StoredReference | undefined> {
    for (;;) {
      const before = await this.#read(referenceKey(key));
      const isSame = before?.reference.entry.digest === digest;
      const storedAt = isSame ? before.reference.storedAt : now;
      const text = JSON.stringify({
        version: recordVersion,
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

  /** Every reference, or those of one repository. */
  async *list(
    repository?: Omit<ReferenceKey, 'tag'>,
  ): AsyncGenerator<StoredReference, void, undefined> {
    for await (const key of this.#store.list(
      repository ? tagsPrefix(repository) : paths.references,
    )) {
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

/** Returns what the file of a reference says; undefined for what is none. */
export function parseReferenceFile(text: string): StoredReference | undefined {
  let value: Partial<Record<string, unknown>> | null;
  try {
    value = JSON.parse(text) as Partial<Record<string, unknown>> | null;
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || value['version'] !== recordVersion)
    return undefined;
  const { name, digest, mediaType, size, resolvedAt, storedAt, source } = value;
  const key = typeof name === 'string' ? parseReferenceText(name) : undefined;
  if (!key || typeof digest !== 'string' || !isDigest(digest) || typeof mediaType !== 'string')
    return undefined;
  if (!isCount(size) || !isCount(resolvedAt) || !isCount(storedAt) || typeof source !== 'string')
    return undefined;
  return { key, entry: { digest, mediaType, size, resolvedAt, source }, storedAt };
}

/** Milliseconds; what is noted of the future was noted before the clock was set back. */
function isWithin(ms: number, noted: number, now: number): boolean {
  return noted <= now && now - noted < ms;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
