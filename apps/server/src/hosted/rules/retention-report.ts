import type { CallOptions, Digest, RepositoryName, Tag } from '@oci/spec-types';

/** What retention removes, in its order. */
export const retainedKinds = ['tags', 'manifests'] as const;

export type RetainedKind = (typeof retainedKinds)[number];

/** A tag or a manifest that a rule lets go. */
export interface Removal {
  readonly kind: RetainedKind;
  readonly repository: RepositoryName;
  /** Of a tag. */
  readonly tag?: Tag | undefined;
  /** Of the manifest, or of what the tag pointed to. */
  readonly digest: Digest;
  readonly why: string;
}

export interface RetainedCount {
  /** Tags or manifests that were looked at. */
  readonly lookedAt: number;
  readonly removed: number;
}

/** What a run of the rules removed, or, as a dry run, would have removed. */
export interface RetentionReport {
  readonly dryRun: boolean;
  /** Milliseconds since the epoch, as `endedAt`. */
  readonly beganAt: number;
  readonly endedAt: number;
  readonly result: 'done' | 'interrupted' | 'failed';
  /** Repositories that a rule is for. */
  readonly repositories: number;
  readonly kinds: Readonly<Record<RetainedKind, RetainedCount>>;
  /** Repositories with an index or a record that could not be read, whose untagged manifests therefore stay. */
  readonly unreadable: number;
  /** The first 1000. */
  readonly removals: readonly Removal[];
}

/** How retention is asked for. */
export interface RetentionCall extends CallOptions {
  /** Tell what would be removed, and change nothing. Default false. */
  readonly dryRun?: boolean | undefined;
}

const mostRemovals = 1000;

/** Counts what one run does. */
export class RetentionTally {
  readonly #beganAt: number = Date.now();
  readonly #kinds = {
    tags: { lookedAt: 0, removed: 0 },
    manifests: { lookedAt: 0, removed: 0 },
  } satisfies Record<RetainedKind, RetainedCount>;
  readonly #removals: Removal[] = [];
  readonly #onRemoval: (removal: Removal) => void;
  repositories = 0;
  unreadable = 0;

  constructor(onRemoval: (removal: Removal) => void = () => {}) {
    this.#onRemoval = onRemoval;
  }

  looked(kind: RetainedKind): void {
    this.#kinds[kind].lookedAt += 1;
  }

  removed(removal: Removal): void {
    this.#kinds[removal.kind].removed += 1;
    if (this.#removals.length < mostRemovals) this.#removals.push(removal);
    this.#onRemoval(removal);
  }

  report(dryRun: boolean, result: RetentionReport['result']): RetentionReport {
    const { repositories, unreadable } = this;
    return {
      dryRun,
      beganAt: this.#beganAt,
      endedAt: Date.now(),
      result,
      repositories,
      kinds: structuredClone(this.#kinds),
      unreadable,
      removals: [...this.#removals],
    };
  }
}
