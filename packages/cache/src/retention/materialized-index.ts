import { rm, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';

import type { Digest } from '@oci/spec-types';
import { refuseLinks } from '@oci/files';

import { statOf } from '../directory-walk.js';
import { referenceId } from '../cache-format.js';
import { materializedIn, recordOf, recordPath } from '../materialized-record.js';
import { Pace } from '../pace.js';
import type { ScannedReference } from './scan.js';

/** A file at one of the guide's paths. */
interface Materialized {
  readonly path: string;
  /** Identity of the reference that it is of; empty where its record does not say. */
  readonly reference: string;
  readonly layer: Digest | undefined;
  readonly bytes: number;
  readonly mtimeMs: number;
}

/** The files at the guide's paths, by the reference that each is of. */
export class MaterializedIndex {
  /** Of references that are gone. */
  readonly orphans: Materialized[] = [];
  readonly #dir: string;
  readonly #files = new Map<string, Materialized[]>();

  private constructor(dir: string) {
    this.#dir = dir;
  }

  static async of(dir: string): Promise<MaterializedIndex> {
    const index = new MaterializedIndex(dir);
    const pace = new Pace();
    for (const path of materializedIn(dir)) {
      if (pace.isDue) await pace.rest();
      const { reference = '', layer } = recordOf(path) ?? {};
      const { size = 0, mtimeMs = 0 } = statOf(path) ?? {};
      const known = index.#files.get(reference) ?? [];
      index.#files.set(reference, known);
      known.push({ path, reference, layer, bytes: size, mtimeMs });
    }
    return index;
  }

  get bytes(): number {
    return sizeOf([...this.#files.values()].flat());
  }

  /** Finds files of references that are gone, and that came before a time. */
  doomOrphans(
    references: readonly ScannedReference[],
    before: number,
  ): { readonly bytes: number; readonly nextOldest: number } {
    let nextOldest = Number.MAX_VALUE;
    const known = idsOf(this.#files.size > 0 ? references : []);
    for (const [reference, files] of this.#files) {
      if (reference === '' || known.has(reference)) continue;
      for (const file of files) {
        if (file.mtimeMs <= before) this.orphans.push(file);
        else nextOldest = Math.min(nextOldest, file.mtimeMs);
      }
    }
    return { bytes: sizeOf(this.orphans), nextOldest };
  }

  bytesOf(reference: string): number {
    return sizeOf(this.#files.get(reference) ?? []);
  }

  /** Removes the files of a reference, but what is another's by now. */
  async remove(reference: string): Promise<void> {
    for (const { path } of this.#files.get(reference) ?? []) {
      if (recordOf(path)?.reference !== reference) continue;
      refuseLinks(this.#dir, path);
      await rm(recordPath(path), { force: true });
      await rm(path, { force: true });
      await this.#removeEmpty(dirname(path));
    }
  }

  async #removeEmpty(directory: string): Promise<void> {
    if (directory === this.#dir) return;
    const isEmpty = await rmdir(directory).then(
      () => true,
      () => false,
    );
    if (isEmpty) await this.#removeEmpty(dirname(directory));
  }
}

function sizeOf(files: readonly Materialized[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** The identities of references, as a set of texts. */
export function idsOf(references: readonly ScannedReference[]): ReadonlySet<string> {
  return new Set(references.map(({ key }) => referenceId(key)));
}
