import type { ListedObject } from '@oci/cache';
import { type RepositoryName, type Tag, isBookkeepingTag } from '@oci/spec-types';
import { forEachConcurrent } from '@oci/spec-types/node';

import { keys, tagOfKey } from '../keys.js';
import type { ManifestRecord } from '../manifest-record.js';
import { LastPushed } from './last-pushed.js';
import type { RetentionWork } from './retention.js';
import { type RetentionRule, limitsTags, ruleOfTag, ruleText } from './retention-rule.js';

/** Records that are read at the same time. */
const atOnce = 8;
const dayMs = 24 * 60 * 60_000;

interface RuledTag {
  readonly tag: Tag;
  readonly rule: RetentionRule;
  readonly record: ManifestRecord;
}

/**
 * Removes the tags of one repository that no condition of their rule keeps. It reads all tags twice where a rule keeps
 * the last ones, and holds these in memory, however many tags there are.
 */
export class TagRetention {
  readonly #work: RetentionWork;
  readonly #name: RepositoryName;
  readonly #rules: readonly RetentionRule[];
  readonly #last = new Map<RetentionRule, LastPushed>();

  constructor(
    work: RetentionWork,
    { name, rules }: { readonly name: RepositoryName; readonly rules: readonly RetentionRule[] },
  ) {
    this.#work = work;
    this.#name = name;
    this.#rules = rules;
  }

  async run(): Promise<void> {
    if (!this.#rules.some(limitsTags)) return;
    for (const rule of this.#rules)
      if (rule.keepLast !== undefined) this.#last.set(rule, new LastPushed(rule.keepLast));
    if (this.#last.size > 0) await this.#each(async (ruled) => this.#rank(ruled));
    await this.#each(async (ruled) => {
      this.#work.tally.looked('tags');
      const why = await this.#whyNot(ruled);
      if (why !== undefined) await this.#remove(ruled, why);
    });
  }

  #rank({ rule, tag, record: { pushedAt } }: RuledTag): void {
    this.#last.get(rule)?.add({ tag, pushedAt });
  }

  /** @returns why nothing keeps a tag; undefined for one that is kept */
  async #whyNot({ tag, rule, record }: RuledTag): Promise<string | undefined> {
    const { now } = this.#work;
    const { keepLast, keepDays, keepPulledDays } = rule;
    const { digest, pushedAt } = record;
    if (this.#last.get(rule)?.has({ tag, pushedAt })) return undefined;
    if (keepDays !== undefined && now - pushedAt < keepDays * dayMs) return undefined;
    const why = [`pushed ${daysText(now - pushedAt)} ago`];
    if (keepLast !== undefined) why.unshift(`not among the last ${keepLast}`);
    if (keepPulledDays !== undefined) {
      const idleMs = await this.#work.idleMs(this.#name, digest, pushedAt);
      if (idleMs < keepPulledDays * dayMs) return undefined;
      why.push(`not pulled for ${daysText(idleMs)}`);
    }
    return `${why.join(', ')} (${ruleText(rule)})`;
  }

  /** A tag that was moved or pushed again since it was read stays. */
  async #remove({ tag, record }: RuledTag, why: string): Promise<void> {
    const { manifests, dryRun, tally } = this.#work;
    const { digest, pushedAt } = record;
    const isWanted = (now: ManifestRecord): boolean =>
      now.digest === digest && now.pushedAt === pushedAt;
    if (dryRun || (await manifests.deleteTag(this.#name, tag, { isWanted })))
      tally.removed({ kind: 'tags', repository: this.#name, tag, digest, why });
  }

  /** The tags that a rule decides on. */
  async #each(work: (ruled: RuledTag) => Promise<void>): Promise<void> {
    const { records, signal } = this.#work;
    const read = async ({ key }: ListedObject): Promise<void> => {
      const tag = tagOfKey(key);
      const rule = this.#ruleOf(tag);
      const record = rule && (await records.get<ManifestRecord>(key));
      if (record) await work({ tag, rule, record });
    };
    const entries = records.entries(keys.tags(this.#name), { signal });
    await forEachConcurrent(entries, read, { limit: atOnce, signal });
  }

  /** None for what stays by itself, or with what it is of. */
  #ruleOf(tag: Tag): RetentionRule | undefined {
    if (isBookkeepingTag(tag) || this.#work.immutable.has(this.#name, tag)) return undefined;
    const rule = ruleOfTag(this.#rules, this.#name, tag);
    return rule && limitsTags(rule) ? rule : undefined;
  }
}

export function daysText(ms: number): string {
  const days = Math.floor(ms / dayMs);
  return days === 1 ? '1 day' : `${days} days`;
}
