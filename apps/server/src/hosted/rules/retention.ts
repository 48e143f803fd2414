import {
  type CallOptions,
  type Digest,
  type RepositoryName,
  throwIfAborted,
} from '@oci/spec-types';

import type { HostedBlobs } from '../blobs.js';
import type { HostedManifests } from '../manifests.js';
import type { Records } from '../records.js';
import type { Repositories } from '../repositories.js';
import type { ImmutableTags } from './immutable-tags.js';
import type { PullCounts } from './pull-counts.js';
import type { RetentionCall, RetentionTally } from './retention-report.js';
import { type RetentionRule, rulesOf } from './retention-rule.js';
import { TagRetention } from './tag-retention.js';
import { UnreadableReference, UntaggedRetention } from './untagged-retention.js';

export interface RetentionParts {
  readonly records: Records;
  readonly blobs: HostedBlobs;
  readonly manifests: HostedManifests;
  readonly repositories: Repositories;
  readonly immutable: ImmutableTags;
  readonly pulls: PullCounts;
}

/** What one run of the rules works with. */
export interface RetentionWork extends RetentionParts, CallOptions {
  /** Milliseconds since the epoch: all ages are those of the begin of the run. */
  readonly now: number;
  readonly dryRun: boolean;
  readonly tally: RetentionTally;
  /** Milliseconds since a manifest was pulled, or pushed; 0 when pulls are not counted for so long. */
  idleMs(name: RepositoryName, digest: Digest, pushedAt: number): Promise<number>;
}

export interface RetentionPassOptions extends RetentionCall {
  readonly rules: readonly RetentionRule[];
  readonly now: number;
  /** Since when pulls are counted, in milliseconds since the epoch. */
  readonly countedSince: number;
  readonly tally: RetentionTally;
}

/** One run of the rules over all repositories, which may be interrupted and run beside any other work. */
export class RetentionPass {
  readonly #rules: readonly RetentionRule[];
  readonly #countedSince: number;
  readonly #work: RetentionWork;

  constructor(
    parts: RetentionParts,
    { rules, countedSince, dryRun = false, ...call }: RetentionPassOptions,
  ) {
    this.#rules = rules;
    this.#countedSince = countedSince;
    const idleMs: RetentionWork['idleMs'] = (...of) => this.#idleMs(...of);
    this.#work = { ...parts, ...call, dryRun, idleMs };
  }

  /** @throws OciError `ABORTED`, `STORAGE_…` */
  async run(): Promise<void> {
    const { repositories, pulls, signal } = this.#work;
    if (this.#rules.length === 0) return;
    await pulls.flush();
    for await (const name of repositories.list({ signal })) {
      throwIfAborted(signal);
      await this.#runOn(name);
    }
  }

  async #runOn(name: RepositoryName): Promise<void> {
    const rules = rulesOf(this.#rules, name);
    if (rules.length === 0) return;
    const { tally } = this.#work;
    tally.repositories += 1;
    await new TagRetention(this.#work, { name, rules }).run();
    const rule = rules.find(({ untaggedDays }) => untaggedDays !== undefined);
    if (!rule) return;
    await new UntaggedRetention(this.#work, { name, rule }).run().catch((error: unknown) => {
      if (!(error instanceof UnreadableReference)) throw error;
      tally.unreadable += 1;
    });
  }

  async #idleMs(name: RepositoryName, digest: Digest, pushedAt: number): Promise<number> {
    const { pulls, now } = this.#work;
    const usage = await pulls.find(name, digest);
    // Of what was pulled before pulls were counted nothing is known.
    return now - Math.max(pushedAt, usage?.lastPulledAt ?? 0, this.#countedSince);
  }
}
