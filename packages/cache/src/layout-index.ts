import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import {
  type Descriptor,
  type ImageIndex,
  annotations,
  formatReference,
  imageIndexSchema,
  isOciError,
  mediaTypes,
  parseStrictJson,
} from '@oci/spec-types';
import { isMissing, onStorage, withFileLock } from '@oci/spec-types/node';

import type { ReferenceKey } from './layout.js';
import type { FileObjectStore } from './store/file-object-store.js';

/**
 * `index.json` and `oci-layout`, by which skopeo, oras and crane read the directory (image-spec
 * `image-layout.md`). An entry's `ref.name` is the whole reference, since one directory holds artifacts
 * of many repositories.
 */
export class LayoutIndex {
  readonly #store: FileObjectStore;
  readonly #dir: string;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(store: FileObjectStore, dir: string) {
    this.#store = store;
    this.#dir = dir;
  }

  async list(): Promise<readonly Descriptor[]> {
    const path = join(this.#dir, 'index.json');
    const bytes = await onStorage({ path }, () => readFile(path).catch(unlessMissing));
    return bytes ? entriesOf(bytes) : [];
  }

  /** Adds a manifest under a reference, which loses what it named before. */
  async add(entry: {
    readonly descriptor: Descriptor;
    readonly name: ReferenceKey;
  }): Promise<void> {
    const { mediaType, digest, size } = entry.descriptor;
    const refName = formatReference(entry.name);
    const added: Descriptor = {
      mediaType,
      digest,
      size,
      annotations: { [annotations.refName]: refName },
    };
    await this.#update((entries) => {
      const others = entries.filter(
        (known) => known.annotations?.[annotations.refName] !== refName,
      );
      const isThere = entries.some(
        (known) => known.annotations?.[annotations.refName] === refName && known.digest === digest,
      );
      return isThere ? entries : [...others, added];
    });
  }

  /** One update at a time, in this process and, by a lock file, among all. */
  async #update(change: (entries: readonly Descriptor[]) => readonly Descriptor[]): Promise<void> {
    const run = async (): Promise<void> => {
      const before = await this.list();
      if (change(before) === before && before.length > 0) return;
      await withFileLock(join(this.#dir, '.locks', 'index'), async () =>
        this.#write(change(await this.list())),
      );
    };
    const turn = this.#turn.then(run);
    this.#turn = turn.catch(() => {});
    await turn;
  }

  async #write(manifests: readonly Descriptor[]): Promise<void> {
    const index: ImageIndex = { schemaVersion: 2, mediaType: mediaTypes.imageIndex, manifests };
    await this.#store.put('index.json', once(Buffer.from(JSON.stringify(index))));
    if (!(await this.#store.head('oci-layout'))) {
      await this.#store.put('oci-layout', once(Buffer.from('{"imageLayoutVersion":"1.0.0"}')));
    }
  }
}

/** A file that can't be read is begun anew: it is an index of what is here, not the truth. */
function entriesOf(bytes: Uint8Array): readonly Descriptor[] {
  try {
    const parsed = imageIndexSchema.safeParse(parseStrictJson(bytes));
    return parsed.success ? parsed.data.manifests : [];
  } catch (error) {
    if (isOciError(error, 'DOCUMENT_INVALID')) return [];
    throw error;
  }
}

function unlessMissing(error: unknown): undefined {
  if (isMissing(error)) return undefined;
  throw error;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
