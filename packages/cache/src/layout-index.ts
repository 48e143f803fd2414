import {
  type Descriptor,
  type Digest,
  type ImageIndex,
  annotations,
  formatReference,
  isOciError,
  layoutHeader,
  mediaTypes,
  singleChunk,
} from '@oci/spec-types';
import { imageIndexSchema, parseStrictJson } from '@oci/spec-types/schemas';
import { withFileLock } from '@oci/files';

import { type ReferenceKey, paths } from './cache-format.js';
import type { FileObjectStore } from './store/file-object-store.js';

type Entries = readonly Descriptor[];

interface Change {
  readonly apply: (entries: Entries) => Promise<Entries> | Entries;
  readonly settle: (error?: unknown) => void;
}

/** All references of a cache. */
interface ListedReferences {
  list(): AsyncIterable<{ readonly key: ReferenceKey; readonly entry: Descriptor }>;
}

/** What a reference points to now. */
export type CurrentDescriptor = (key: ReferenceKey) => Promise<Descriptor | undefined>;

/**
 * `index.json` and `oci-layout`, by which skopeo, oras and crane read the directory (image-spec
 * `image-layout.md`). An entry's `ref.name` is the whole reference, since one directory holds artifacts
 * of many repositories.
 */
export class LayoutIndex {
  readonly #store: FileObjectStore;
  readonly #current: CurrentDescriptor;
  readonly #changes: Change[] = [];
  #writing = false;
  #read: { readonly version: string; readonly entries: Entries } | undefined;

  /** @param current asked when an entry is written, so that the latest of several who write stands there */
  constructor(store: FileObjectStore, current: CurrentDescriptor = async () => undefined) {
    this.#store = store;
    this.#current = current;
  }

  async list(): Promise<Entries> {
    const info = await this.#store.head(paths.index);
    if (info === undefined) return [];
    if (this.#read?.version === info.version) return this.#read.entries;
    const text = await this.#store.readNote(paths.index);
    const entries = text === undefined ? [] : entriesOf(Buffer.from(text));
    this.#read = { version: info.version, entries };
    return entries;
  }

  /** Adds a manifest under a reference, which loses what it named before. */
  async add(entry: {
    readonly descriptor: Descriptor;
    readonly name: ReferenceKey;
  }): Promise<void> {
    const refName = formatReference(entry.name);
    await this.#change(async (entries) => {
      const { mediaType, digest, size } = (await this.#current(entry.name)) ?? entry.descriptor;
      const isThere = entries.some(
        (known) => known.annotations?.[annotations.refName] === refName && known.digest === digest,
      );
      if (isThere) return entries;
      const added = named({ mediaType, digest, size }, refName);
      return [...without(entries, new Set([refName])), added];
    });
  }

  /** Takes references out. */
  async remove(names: Iterable<ReferenceKey>): Promise<void> {
    const removed = new Set([...names].map((name) => formatReference(name)));
    if (removed.size === 0) return;
    await this.#change((entries) => {
      const left = without(entries, removed);
      return left.length === entries.length ? entries : left;
    });
  }

  /** Adds the references that are missing, and takes out what points to content that is not here. */
  async sync(
    references: ListedReferences,
    sizeOf: (digest: Digest) => Promise<number | undefined>,
  ): Promise<void> {
    await this.#change(async (entries) => {
      const found = new Map<string, Descriptor>();
      for await (const { key, entry } of references.list()) {
        const { digest, mediaType, size } = entry;
        if ((await sizeOf(digest)) !== undefined)
          found.set(formatReference(key), named({ digest, mediaType, size }, formatReference(key)));
      }
      const others: Descriptor[] = [];
      for (const entry of without(entries, new Set(found.keys())))
        if ((await sizeOf(entry.digest)) !== undefined) others.push(entry);
      return [...others, ...found.values()];
    });
  }

  /** Changes that come while the file is being written are written together. */
  async #change(apply: Change['apply']): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#changes.push({
        apply,
        settle: (error) => (error === undefined ? resolve() : reject(error)),
      });
      if (!this.#writing) void this.#writeAll();
    });
  }

  async #writeAll(): Promise<void> {
    this.#writing = true;
    while (this.#changes.length > 0) {
      const changes = this.#changes.splice(0);
      try {
        await withFileLock(this.#store.lockPath('index'), async (held) => {
          const before = await this.list();
          let entries = before;
          for (const { apply } of changes) entries = await apply(entries);
          if (entries === before) return;
          await held.ensure();
          await this.#write(entries);
        });
        for (const { settle } of changes) settle();
      } catch (error) {
        for (const { settle } of changes) settle(error);
      }
    }
    this.#writing = false;
  }

  async #write(manifests: Entries): Promise<void> {
    if (!(await this.#store.head(paths.layoutMark))) {
      await this.#store.put(paths.layoutMark, singleChunk(Buffer.from(layoutHeader)));
    }
    const index: ImageIndex = { schemaVersion: 2, mediaType: mediaTypes.imageIndex, manifests };
    const put = await this.#store.put(paths.index, singleChunk(Buffer.from(JSON.stringify(index))));
    if (put) this.#read = { version: put.version, entries: manifests };
  }
}

function named(descriptor: Descriptor, refName: string): Descriptor {
  return { ...descriptor, annotations: { [annotations.refName]: refName } };
}

function without(entries: Entries, names: ReadonlySet<string>): Entries {
  return entries.filter((entry) => !names.has(entry.annotations?.[annotations.refName] ?? ''));
}

/** A file that can't be read is begun anew: it is an index of what is here, not the truth. */
function entriesOf(bytes: Uint8Array): Entries {
  try {
    return imageIndexSchema.read(parseStrictJson(bytes))?.manifests ?? [];
  } catch (error) {
    if (isOciError(error, 'DOCUMENT_INVALID')) return [];
    throw error;
  }
}
