import type { Digest, RepositoryName, Tag } from '@oci/spec-types';

import type { DataProblem } from '../quarantine.js';

/** What a verification finds; {@link describeFinding} has the words. */
export type FindingKind =
  | `content-${DataProblem}`
  | 'content-unsteady'
  | 'record-damaged'
  | 'link-dangling'
  | 'manifest-without-content'
  | 'manifest-incomplete'
  | 'manifest-unlisted'
  | 'referrer-unlisted'
  | 'referrer-dangling'
  | 'tag-dangling';

/** One thing that is wrong in the storage. */
export interface Finding {
  readonly kind: FindingKind;
  /** Of the record that it is about. */
  readonly key: string;
  readonly digest?: Digest;
  readonly tag?: Tag;
  /** The repositories that it concerns, of which one is enough to push content to. At most 20. */
  readonly repositories: readonly RepositoryName[];
  /** Content that a manifest names and its repository does not have. At most 20. */
  readonly missing?: readonly Digest[];
}

/** Repositories or digests that a finding names. */
export const mostNamed = 20;

/** Findings are the same when they are of one kind and about one record. */
export function isSameFinding(one: Finding, other: Finding): boolean {
  return one.kind === other.kind && one.key === other.key;
}

const words: Readonly<Record<FindingKind, string>> = {
  'content-missing': 'the data is gone',
  'content-size': 'the data has another size',
  'content-digest': 'the data has other bytes',
  'content-unreadable': 'the data cannot be read',
  'content-unsteady': 'two reads of the data gave different bytes: suspect memory, disk or network',
  'record-damaged': 'the record cannot be parsed or contradicts its key',
  'link-dangling': 'the repository has a link to content that is not there',
  'manifest-without-content': 'the manifest has no content, or content of another size',
  'manifest-incomplete': 'the repository lacks what the manifest names',
  'manifest-unlisted': 'the repository is not in the catalog',
  'referrer-unlisted': 'the manifest is not in the list of referrers of its subject',
  'referrer-dangling': 'a list of referrers has a manifest that is not there',
  'tag-dangling': 'the tag leads to no manifest',
};

/** All kinds, for a counter that begins at 0 for each. */
export const findingKinds = Object.keys(words) as readonly FindingKind[];

/** One sentence for an operator: what is wrong, of what, and where to push it again. */
export function describeFinding(finding: Finding): string {
  const { kind, digest, tag, repositories, missing = [] } = finding;
  const [first = ''] = repositories;
  const subject = tag === undefined ? (digest ?? finding.key) : `${first}:${tag}`;
  const lacks = missing.length > 0 ? `: ${missing.join(', ')}` : '';
  const where = repositories.length > 0 ? `; push to ${repositories.join(', ')}` : '';
  return `${kind} ${subject}: ${words[kind]}${lacks}${where}`;
}
