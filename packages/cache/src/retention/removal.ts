import { rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type { Descriptor, Digest } from '@oci/spec-types';
import { readNote, refuseLinks } from '@oci/files';

import type { ContentStore } from '../content-store.js';
import type { Inventory } from '../inventory.js';
import { type ReferenceId, referenceId, viewFileNames, viewRecordFile } from '../layout.js';
import type { ReferrerStore } from '../referrer-store.js';
import type { StoredReference } from '../reference-store.js';
import { type Holder, holderId } from '../state/holders.js';
import { hourOf } from '../state/age-queue.js';
import type { FileObjectStore } from '../store/file-object-store.js';
import { pointsToContent, readContent } from './content-of.js';

export interface RemovalParts {
  readonly dir: string;
  readonly store: FileObjectStore;
  readonly content: ContentStore;
  readonly inventory: Inventory;
  readonly referrers: ReferrerStore;
}

/** What went, or would go. */
export interface Freed {
  blobs: number;
  bytes: number;
}

/**
 * Removes references, and the content that nothing else holds then. Made for one closing of the gate. A
 * process that is killed in the middle leaves the reference, which is removed again the next time.
 */
export class Removal {
  readonly #parts: RemovalParts;
  readonly #leased: ReadonlySet<Digest>;
  readonly #dryRun: boolean;
  readonly #gone: Set<string>;
  readonly freed: Freed = { blobs: 0, bytes: 0 };

  constructor(
    parts: RemovalParts,
    options: {
      readonly leased: ReadonlySet<Digest>;
      readonly dryRun: boolean;
      /** What a dry run has let go already. */
      readonly gone?: Set<string>;
    },
  ) {
    this.#parts = parts;
    this.#leased = options.leased;
    this.#dryRun = options.dryRun;
    this.#gone = options.gone ?? new Set();
  }

  isLeased(digest: Digest): boolean {
    return this.#leased.has(digest);
  }

  /** A reference, its views and what it alone held. */
  async reference({ key, entry, storedAt }: StoredReference): Promise<void> {
    const { inventory } = this.#parts;
    const id = referenceId(key);
    const lastUse = await inventory.lastUse(key);
    await this.#views(id);
    await this.#release(entry, { reference: id });
    if (this.#dryRun) return;
    await inventory.references.delete(key);
    await inventory.ages.remove(id, hourOf(storedAt));
    if (lastUse !== undefined) await inventory.uses.remove(id, hourOf(lastUse));
    await inventory.unindexed.remove(id);
  }

  /** Content that nothing may hold. */
  async unheld(digest: Digest): Promise<void> {
    if ((await this.#holders(digest)).length > 0 || this.#leased.has(digest)) return;
    await this.#delete(digest, undefined);
  }

  async #release(content: Pick<Descriptor, 'digest' | 'mediaType'>, holder: Holder): Promise<void> {
    const { digest } = content;
    const others = (await this.#holders(digest)).filter((id) => id !== holderId(holder));
    if (others.length === 0) {
      if (this.#leased.has(digest)) await this.#parts.inventory.expect(digest);
      else await this.#delete(digest, content.mediaType);
    }
    this.#gone.add(`${digest} ${holderId(holder)}`);
    if (!this.#dryRun) await this.#parts.inventory.holders.remove(digest, holder);
  }

  /** First what a manifest holds, then itself: as long as it is here, its content can be found. */
  async #delete(digest: Digest, mediaType: string | undefined): Promise<void> {
    const { content, referrers } = this.#parts;
    if (pointsToContent(mediaType)) {
      for (const child of await readContent(content, { digest, mediaType }))
        await this.#release(child, { manifest: digest });
      for await (const referrer of referrers.list(digest))
        await this.#release(referrer, { manifest: digest });
      if (!this.#dryRun) await referrers.clear(digest);
    }
    const size = this.#dryRun
      ? this.#gone.has(digest)
        ? 0
        : ((await content.size(digest)) ?? 0)
      : await content.delete(digest);
    this.#gone.add(digest);
    if (size > 0) this.freed.blobs += 1;
    this.freed.bytes += size;
  }

  async #holders(digest: Digest): Promise<readonly string[]> {
    const ids = await this.#parts.inventory.holders.of(digest);
    return ids.filter((id) => !this.#gone.has(`${digest} ${id}`));
  }

  async #views(id: ReferenceId): Promise<void> {
    const { inventory, dir } = this.#parts;
    const noted = (await inventory.views.read(id)) ?? '';
    for (const line of noted.split('\n')) {
      const directory = viewDirectory(line);
      if (directory) await this.#view(join(dir, directory), id);
    }
    if (!this.#dryRun) await inventory.views.remove(id);
  }

  async #view(directory: string, id: ReferenceId): Promise<void> {
    const record = parseView(
      (await readNote(join(directory, viewRecordFile)).catch(() => '')) ?? '',
    );
    // Another reference may be shown there by now.
    if (!record || record.reference !== id) return;
    this.freed.bytes += record.size;
    if (this.#dryRun) return;
    refuseLinks(this.#parts.dir, join(directory, viewRecordFile));
    await rm(join(directory, viewRecordFile), { force: true });
    for (const file of viewFileNames) await rm(join(directory, file), { force: true });
    await this.#parts.inventory.usage.add({ blobs: 0, bytes: -record.size });
    let empty = directory;
    while (
      empty !== this.#parts.dir &&
      (await rmdir(empty).then(
        () => true,
        () => false,
      ))
    )
      empty = dirname(empty);
  }
}

function viewDirectory(line: string): string | undefined {
  const isInside = /^(?:kcl|extensions|registries)\//.test(line) && !line.split('/').includes('..');
  return isInside ? line : undefined;
}

function parseView(text: string): { reference: string; size: number } | undefined {
  try {
    const { reference, size } = JSON.parse(text) as { reference?: unknown; size?: unknown };
    return typeof reference === 'string' && typeof size === 'number'
      ? { reference, size }
      : undefined;
  } catch {
    return undefined;
  }
}
