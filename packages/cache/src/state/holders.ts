import { createHash } from 'node:crypto';

import { type Digest, digestAlgorithm, digestEncoded } from '@oci/spec-types';

import type { Markers } from './markers.js';

/** Who keeps content from being removed: a reference by its identity, or a manifest by its digest. */
export type Holder = { readonly reference: string } | { readonly manifest: Digest };

/** Which references and manifests need a blob, a marker for each pair: no count that could go wrong. */
export class Holders {
  readonly #markers: Markers;

  constructor(markers: Markers) {
    this.#markers = markers;
  }

  async add(content: Digest, holder: Holder): Promise<void> {
    await this.#markers.add(markerName(content, holder));
  }

  async remove(content: Digest, holder: Holder): Promise<void> {
    await this.#markers.remove(markerName(content, holder));
  }

  /** Strikes what is not among `held`, unless it was noted after `before` (milliseconds since the epoch). */
  async retain(held: ReadonlyMap<Digest, readonly Holder[]>, before: number): Promise<void> {
    const right = new Set<string>();
    for (const [content, holders] of held)
      for (const holder of holders) right.add(markerName(content, holder));
    for (const bucket of await this.#markers.names())
      for (const name of await this.#markers.names(bucket)) {
        const marker = `${bucket}/${name}`;
        const madeAt = right.has(marker) ? Infinity : await this.#markers.madeAt(marker);
        if (madeAt < before) await this.#markers.remove(marker);
      }
  }

  /** The holders of a blob, as {@link holderId} names them. */
  async of(content: Digest): Promise<readonly string[]> {
    const prefix = `${flat(content)}.`;
    const names = await this.#markers.names(bucketOf(content));
    return names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  }
}

export function holderId(holder: Holder): string {
  return 'reference' in holder
    ? `r${holder.reference}`
    : `m${createHash('sha256').update(holder.manifest).digest('hex').slice(0, 40)}`;
}

function markerName(content: Digest, holder: Holder): string {
  return `${bucketOf(content)}/${flat(content)}.${holderId(holder)}`;
}

function flat(digest: Digest): string {
  return `${digestAlgorithm(digest)}-${digestEncoded(digest)}`;
}

function bucketOf(digest: Digest): string {
  return digestEncoded(digest).slice(0, 2).toLowerCase();
}
