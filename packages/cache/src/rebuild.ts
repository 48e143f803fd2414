import type { Descriptor, Digest } from '@oci/spec-types';

import type { LayoutIndex } from './layout-index.js';
import { referenceId, referenceText } from './layout.js';
import { readContent } from './retention/content-of.js';
import type { RemovalParts } from './retention/removal.js';
import type { StoredReference } from './reference-store.js';
import { measureCache } from './stats.js';
import type { Holder } from './state/holders.js';

/** Markers that are younger than this may be of what came during the walk. Milliseconds. */
const restMs = 60 * 60_000;

/**
 * Makes what retention decides by anew, out of the references and the blobs: after a power cut, or when
 * somebody has changed the directory by hand. Others may use the cache meanwhile.
 */
export async function rebuild(
  parts: RemovalParts & { readonly index: LayoutIndex },
  now: number = Date.now(),
): Promise<void> {
  const walk = new Walk(parts);
  for await (const reference of parts.inventory.references.list()) await walk.reference(reference);
  await walk.referrers();
  for await (const digest of parts.content.list())
    if (!walk.isHeld(digest)) await parts.inventory.expect(digest, now);
  await parts.inventory.holders.retain(walk.held, now - restMs);
  await parts.index.sync(parts.inventory.references, (digest) => parts.content.size(digest));
  const { blobs, bytes, views } = await measureCache(parts);
  await parts.inventory.usage.reset({ blobs, bytes: bytes + views.bytes });
}

class Walk {
  readonly #parts: RemovalParts;
  readonly held = new Map<Digest, Holder[]>();

  constructor(parts: RemovalParts) {
    this.#parts = parts;
  }

  isHeld(digest: Digest): boolean {
    return this.held.has(digest);
  }

  async reference({ key, entry, storedAt }: StoredReference): Promise<void> {
    const { inventory } = this.#parts;
    const id = referenceId(key);
    const text = referenceText(key);
    const lastUse = await inventory.lastUse(key);
    await inventory.uses.add(id, lastUse ?? storedAt, text);
    await inventory.ages.add(id, storedAt, text);
    await this.#hold(entry, { reference: id });
  }

  /** What refers to a manifest goes with it. */
  async referrers(): Promise<void> {
    for await (const { subject, referrer } of this.#parts.referrers.all())
      await this.#hold(referrer, { manifest: subject });
  }

  async #hold(content: Descriptor, holder: Holder): Promise<void> {
    const { digest } = content;
    if ((await this.#parts.content.size(digest)) === undefined) return;
    const holders = this.held.get(digest) ?? [];
    this.held.set(digest, [...holders, holder]);
    await this.#parts.inventory.holders.add(digest, holder);
    if (holders.length > 0) return;
    for (const child of await readContent(this.#parts.content, content))
      await this.#hold(child, { manifest: digest });
  }
}
