import type { StatSnapshot } from '@oci/cache';
import type { Descriptor, EventListener } from '@oci/spec-types';
import { LRUCache } from 'lru-cache';

import type { PulledArtifact } from './pulled-artifact.js';

/** A pull that found everything in the cache, and how the files looked that it found. */
export interface SettledPull {
  readonly pulled: PulledArtifact;
  readonly blobs: readonly Descriptor[];
  readonly snapshot: StatSnapshot;
}

/** As many are remembered; each takes about 2 KiB. */
const most = 10_000;

/** Pulls that need not be made again as long as nothing has touched the files that they found. */
export class SettledPulls {
  readonly #pulls = new LRUCache<string, SettledPull>({ max: most });

  /** @returns undefined when it was never settled, or a file looks another way by now */
  find(key: string): SettledPull | undefined {
    const settled = this.#pulls.get(key);
    if (!settled) return undefined;
    if (settled.snapshot.isCurrent()) return settled;
    this.#pulls.delete(key);
    return undefined;
  }

  add(key: string, settled: SettledPull): void {
    this.#pulls.set(key, settled);
  }

  clear(): void {
    this.#pulls.clear();
  }
}

/** Tells what the pull would have told. */
export function retell({ pulled, blobs }: SettledPull, onEvent: EventListener): void {
  const { reference, manifestDigest } = pulled;
  onEvent({ type: 'resolve', reference, digest: manifestDigest });
  for (const { digest, size } of blobs) onEvent({ type: 'cached', digest, size });
}
