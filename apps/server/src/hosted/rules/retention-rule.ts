import type { RepositoryName, Tag } from '@oci/spec-types';

import { coversRepository, matchesText } from '../../name-pattern.js';

/** Says which tags of some repositories stay, and how long manifests without a tag do. */
export interface RetentionRule {
  /** Patterns of repositories, each for all below it too. */
  readonly repositories: readonly string[];
  readonly tags: readonly string[];
  /** Tags that stay: those of a repository that were pushed last. */
  readonly keepLast?: number | undefined;
  /** Days since its push for which a tag stays. */
  readonly keepDays?: number | undefined;
  /** Days since its last pull, or its push, for which a tag or an untagged manifest stays. */
  readonly keepPulledDays?: number | undefined;
  /** Days for which a manifest stays that nothing refers to. Without it, it stays. */
  readonly untaggedDays?: number | undefined;
}

/** Tags that {@link RetentionRule.keepLast} may name, which a run holds in memory. */
export const mostKept: number = 10_000;

/** The first rule for tags of a repository decides on them. */
export function ruleOfTag(
  rules: readonly RetentionRule[],
  name: RepositoryName,
  tag: Tag,
): RetentionRule | undefined {
  return rules.find(
    (rule) => isFor(rule, name) && rule.tags.some((pattern) => matchesText(pattern, tag)),
  );
}

/** The rules that a repository has. */
export function rulesOf(
  rules: readonly RetentionRule[],
  name: RepositoryName,
): readonly RetentionRule[] {
  return rules.filter((rule) => isFor(rule, name));
}

/** Tells whether a rule lets any of its tags go. */
export function limitsTags({ keepLast, keepDays, keepPulledDays }: RetentionRule): boolean {
  return (keepLast ?? keepDays ?? keepPulledDays) !== undefined;
}

function isFor({ repositories }: RetentionRule, name: RepositoryName): boolean {
  return repositories.some((pattern) => coversRepository(pattern, name));
}

/** The rule as messages name it. */
export function ruleText({ repositories, tags }: RetentionRule): string {
  return `${repositories.join(' ')}:${tags.join(' ')}`;
}
