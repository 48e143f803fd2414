import type { CallOptions } from '@oci/spec-types';

/** What a collection removes, in its order. */
export const collectedKinds = ['uploads', 'repositories', 'content', 'links', 'data'] as const;

export type CollectedKind = (typeof collectedKinds)[number];

export interface CollectedCount {
  /** Objects that were looked at. */
  readonly lookedAt: number;
  readonly removed: number;
  /** Bytes of what was removed; of links, of the content that no repository had any more. */
  readonly bytes: number;
  /** Links that the next collection, at least a day later, removes unless something names them. */
  readonly condemned?: number;
}

/** What a collection did, or, as a dry run, would have done. */
export interface CollectionReport {
  readonly dryRun: boolean;
  /** Milliseconds since the epoch, as `endedAt`. */
  readonly beganAt: number;
  readonly endedAt: number;
  readonly result: 'done' | 'interrupted' | 'failed';
  readonly kinds: Readonly<Record<CollectedKind, CollectedCount>>;
  /** Records that could not be read. While there are any, data stays, as one of them may be of it. */
  readonly unreadable: number;
  /** Manifests that could not be read. While there are any, links of their repositories stay. */
  readonly unreadableManifests: number;
}

/** Counts what one collection does. */
export class CollectionTally {
  readonly #beganAt: number = Date.now();
  readonly #kinds = Object.fromEntries(
    collectedKinds.map((kind) => [kind, { lookedAt: 0, removed: 0, bytes: 0 }]),
  ) as Record<CollectedKind, { lookedAt: number; removed: number; bytes: number }>;
  unreadable = 0;
  unreadableManifests = 0;
  condemned = 0;

  looked(kind: CollectedKind): void {
    this.#kinds[kind].lookedAt += 1;
  }

  removed(kind: CollectedKind, bytes = 0): void {
    this.#kinds[kind].removed += 1;
    this.#kinds[kind].bytes += bytes;
  }

  freed(kind: CollectedKind, bytes: number): void {
    this.#kinds[kind].bytes += bytes;
  }

  lookedAt(kind: CollectedKind): number {
    return this.#kinds[kind].lookedAt;
  }

  report(dryRun: boolean, result: CollectionReport['result']): CollectionReport {
    const { unreadable, unreadableManifests, condemned } = this;
    const counted = structuredClone(this.#kinds);
    const kinds = { ...counted, links: { ...counted.links, condemned } };
    const times = { beganAt: this.#beganAt, endedAt: Date.now() };
    return { dryRun, ...times, result, kinds, unreadable, unreadableManifests };
  }
}

/** How a collection is asked for. */
export interface CollectionCall extends CallOptions {
  /** Count what would be removed, and change nothing. Default false. */
  readonly dryRun?: boolean | undefined;
}
