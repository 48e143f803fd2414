import { join, relative, sep } from 'node:path';

import type { Descriptor, Digest } from '@oci/spec-types';

import { digestsIn, filesBelow, statOf, textOf } from '../directory-walk.js';
import { type ReferenceKey, paths, referenceKey, subjectOfReferrerKey } from '../cache-format.js';
import { Pace } from '../pace.js';
import { type StoredReference, parseReferenceFile } from '../reference-store.js';
import { parseReferrer } from '../referrer-store.js';
import { childrenOf } from './children.js';
import { ReferenceGraph } from './reference-graph.js';

/** A reference as it was found. */
export interface ScannedReference extends StoredReference {
  /** Milliseconds since the epoch. */
  readonly lastUse: number;
}

/**
 * What is in a cache: its references, what they lead to, and its blobs. Others go on to use it meanwhile, so
 * {@link Scan.update} looks again at what has changed.
 */
export class Scan {
  readonly references: ScannedReference[] = [];
  /** On the disk. */
  readonly blobs: ReadonlySet<Digest>;
  /** What the references lead to. */
  readonly graph: ReferenceGraph;
  readonly #dir: string;
  readonly #pace = new Pace();
  /** How the files of references and referrers looked when they were read. */
  readonly #seen = new Map<string, string>();
  readonly #referrers = new Map<Digest, Map<Digest, Descriptor>>();

  private constructor(dir: string) {
    this.#dir = dir;
    this.blobs = new Set(digestsIn(dir));
    this.graph = new ReferenceGraph({
      childrenOf: (content) => childrenOf(dir, content),
      referrersOf: (subject) => this.referrersOf(subject),
    });
  }

  /** Reads a cache directory. @throws OciError `STORAGE_…` */
  static async of(dir: string): Promise<Scan> {
    const scan = new Scan(dir);
    await scan.update();
    return scan;
  }

  referrersOf(subject: Digest): readonly Descriptor[] {
    return [...(this.#referrers.get(subject)?.values() ?? [])];
  }

  /** Whether a reference was used or replaced since it was read. */
  hasChanged(key: ReferenceKey): boolean {
    const path = join(this.#dir, referenceKey(key));
    return this.#seen.get(path) !== looksOf(path)?.text;
  }

  /** Reads what is new or has changed: all that it leads to is held from now on. */
  async update(): Promise<void> {
    for await (const { path } of this.#changed(paths.allReferrers)) this.#addReferrer(path);
    for await (const { path, mtimeMs } of this.#changed(paths.references)) {
      const reference = parseReferenceFile(textOf(path) ?? '');
      if (!reference) continue;
      this.graph.hold(reference.entry);
      this.references.push({ ...reference, lastUse: mtimeMs });
    }
    this.graph.holdUnread();
  }

  async *#changed(prefix: string): AsyncGenerator<Looks & { readonly path: string }> {
    for (const path of filesBelow(join(this.#dir, prefix))) {
      if (this.#pace.isDue) await this.#pace.rest();
      // Looked at before it is read, so that what changes meanwhile shows the next time.
      const looks = looksOf(path);
      if (!looks || this.#seen.get(path) === looks.text) continue;
      this.#seen.set(path, looks.text);
      yield { path, ...looks };
    }
  }

  #addReferrer(path: string): void {
    const subject = subjectOfReferrerKey(relative(this.#dir, path).split(sep).join('/'));
    const referrer = parseReferrer(textOf(path));
    if (!subject || !referrer) return;
    const known = this.#referrers.get(subject) ?? new Map<Digest, Descriptor>();
    this.#referrers.set(subject, known.set(referrer.digest, referrer));
    if (this.graph.has(subject)) this.graph.holdFor(subject, referrer);
    // It may come before its subject.
    else if (!this.blobs.has(subject)) this.graph.hold(referrer);
  }
}

interface Looks {
  readonly text: string;
  readonly mtimeMs: number;
}

function looksOf(path: string): Looks | undefined {
  const info = statOf(path);
  return info && { text: `${info.ctimeMs} ${info.ino} ${info.size}`, mtimeMs: info.mtimeMs };
}
