import { stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';

import { type Descriptor, type Digest, digestAlgorithm, digestEncoded } from '@oci/spec-types';
import { TemporaryFiles, unlessMissing } from '@oci/files';
import { LRUCache } from 'lru-cache';

import {
  type ReferenceId,
  type ReferenceKey,
  packageId,
  referenceId,
  referenceText,
} from './layout.js';
import type { ReferenceEntry, ReferenceStore, StoredReference } from './reference-store.js';
import { AgeQueue, hourOf } from './state/age-queue.js';
import { Holders } from './state/holders.js';
import { Markers } from './state/markers.js';
import { Pins } from './state/pins.js';
import { Usage } from './state/usage.js';

/** What a cache knows about its content besides the content itself: all that retention decides by. */
export class Inventory {
  readonly references: ReferenceStore;
  readonly holders: Holders;
  /** By the hour of their last use, which is the mtime of their file. */
  readonly uses: AgeQueue;
  /** By the hour in which their content came. */
  readonly ages: AgeQueue;
  /** Content that nothing held when it was noted. */
  readonly unheld: AgeQueue;
  /** Repositories that grew since they were last counted. */
  readonly grown: Markers;
  /** Where references are shown. */
  readonly views: Markers;
  /** References that are not in `index.json` yet. */
  readonly unindexed: Markers;
  readonly pins: Pins;
  readonly usage: Usage;
  readonly #pathOf: (key: ReferenceKey) => string;
  /** The hour in which a use was noted; one that is forgotten is noted again. */
  readonly #usedIn = new LRUCache<ReferenceId, string>({ max: 10_000 });

  constructor(dir: string, references: ReferenceStore, pathOf: (key: ReferenceKey) => string) {
    const markers = (name: string): Markers => new Markers(join(dir, 'state', name), dir);
    this.references = references;
    this.holders = new Holders(markers('holders'));
    this.uses = new AgeQueue(markers('uses'));
    this.ages = new AgeQueue(markers('ages'));
    this.unheld = new AgeQueue(markers('unheld'));
    this.grown = markers('packages');
    this.views = markers('views');
    this.unindexed = markers('unindexed');
    this.pins = new Pins(markers('pins'));
    this.usage = new Usage(dir, new TemporaryFiles(join(dir, '.tmp')));
    this.#pathOf = pathOf;
  }

  /** Points a tag at a manifest, which the tag keeps from now on. @returns what it pointed to before */
  async name(
    key: ReferenceKey,
    entry: ReferenceEntry,
    now: number = Date.now(),
  ): Promise<StoredReference | undefined> {
    const id = referenceId(key);
    const known = await this.references.find(key);
    const isNew = known?.entry.digest !== entry.digest;
    if (isNew) {
      await this.holders.add(entry.digest, { reference: id });
      await this.unindexed.add(id);
      await this.ages.add(id, now, referenceText(key));
      await this.grown.add(packageId(key), referenceText(key));
    }
    await this.uses.add(id, now, referenceText(key));
    const before = await this.references.set(key, entry, now);
    await utimes(this.#pathOf(key), now / 1000, now / 1000);
    this.#usedIn.set(id, hourOf(now));
    if (before && before.entry.digest !== entry.digest) {
      await this.holders.remove(before.entry.digest, { reference: id });
      await this.expect(before.entry.digest, now);
    }
    return before;
  }

  /** Takes a tag away; what it alone held goes later. */
  async unname(key: ReferenceKey, now: number = Date.now()): Promise<void> {
    const known = await this.references.find(key);
    const lastUse = await this.lastUse(key);
    const id = referenceId(key);
    await this.references.delete(key);
    this.#usedIn.delete(id);
    await this.unindexed.remove(id);
    if (lastUse !== undefined) await this.uses.remove(id, hourOf(lastUse));
    if (!known) return;
    await this.ages.remove(id, hourOf(known.storedAt));
    await this.expect(known.entry.digest, now);
    await this.holders.remove(known.entry.digest, { reference: id });
  }

  /** Whether all of a reference is here, and `index.json` names it. */
  async isIndexed(key: ReferenceKey): Promise<boolean> {
    return !(await this.unindexed.has(referenceId(key)));
  }

  async indexed(key: ReferenceKey): Promise<void> {
    await this.unindexed.remove(referenceId(key));
  }

  /** Keeps content for as long as a manifest is kept. */
  async hold(manifest: Digest, content: Iterable<Descriptor>): Promise<void> {
    for (const { digest } of content) await this.holders.add(digest, { manifest });
  }

  /** Notes content that goes unless something comes to hold it. */
  async expect(digest: Digest, now: number = Date.now()): Promise<void> {
    await this.unheld.add(`${digestAlgorithm(digest)}-${digestEncoded(digest)}`, now, digest);
  }

  /** Notes the directory of a view, relative to the cache, so that it goes with its reference. */
  async shown(key: ReferenceKey, directory: string): Promise<void> {
    const id = referenceId(key);
    const lines = ((await this.views.read(id)) ?? '').split('\n').filter((line) => line !== '');
    if (lines.includes(directory)) return;
    await this.views.add(id, [...lines, directory].map((line) => `${line}\n`).join(''));
  }

  /** Notes that a reference is used, at most once an hour. Where nothing can be written it is not noted. */
  async use(key: ReferenceKey, now: number = Date.now()): Promise<void> {
    const id = referenceId(key);
    const hour = hourOf(now);
    if (this.#usedIn.get(id) === hour) return;
    try {
      const lastUse = await this.lastUse(key);
      if (lastUse === undefined) return;
      if (hourOf(lastUse) !== hour) {
        await this.uses.add(id, now, referenceText(key));
        await utimes(this.#pathOf(key), now / 1000, now / 1000);
        await this.uses.remove(id, hourOf(lastUse));
      }
      this.#usedIn.set(id, hour);
    } catch {
      // The use counts all the same; retention only knows an earlier one.
    }
  }

  /** Tells at any later time whether the use of a reference is noted for that hour. */
  noted(key: ReferenceKey): () => boolean {
    const id = referenceId(key);
    return () => this.#usedIn.get(id) === hourOf(Date.now());
  }

  /** After everything was removed: what was noted in memory is no longer so. */
  forget(): void {
    this.#usedIn.clear();
  }

  /** Milliseconds since the epoch; undefined for a reference that is not here. */
  async lastUse(key: ReferenceKey): Promise<number | undefined> {
    return (await stat(this.#pathOf(key)).catch(unlessMissing))?.mtimeMs;
  }
}
