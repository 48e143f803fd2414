import type { Descriptor } from '@oci/spec-types';
import { LRUCache } from 'lru-cache';

/**
 * What one registry said beside digests: lengths of HEAD answers, sizes and types in lists of referrers. A
 * descriptor that says the same has it from there, and only its digest decides about its content.
 */
export class RegistryHints {
  readonly #said = new LRUCache<string, true>({ max: 20_000 });

  add(descriptor: Pick<Descriptor, 'digest' | 'size'>): void {
    this.#said.set(keyOf(descriptor), true);
  }

  has(descriptor: Pick<Descriptor, 'digest' | 'size'>): boolean {
    return this.#said.has(keyOf(descriptor));
  }
}

function keyOf({ digest, size }: Pick<Descriptor, 'digest' | 'size'>): string {
  return `${digest} ${size}`;
}
