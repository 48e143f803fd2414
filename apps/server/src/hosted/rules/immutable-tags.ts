import {
  type Digest,
  OciError,
  type RepositoryName,
  type Tag,
  isBookkeepingTag,
} from '@oci/spec-types';

import { coversRepository, matchesText } from '../../name-pattern.js';

/** Says which tags, once they exist, point to the same manifest for good. */
export interface ImmutableTagRule {
  /** Patterns of repositories, each for all below it too. */
  readonly repositories: readonly string[];
  readonly tags: readonly string[];
  /** Patterns of tags that the rule is not for. Default none. */
  readonly except?: readonly string[] | undefined;
  /** Let callers delete them who may delete others. Default false. */
  readonly allowDelete?: boolean | undefined;
}

/**
 * The tags that cannot be moved or deleted. A tag in which a tool keeps signatures or referrers of a digest is none
 * of them: it changes with each signature.
 */
export class ImmutableTags {
  readonly #rules: () => readonly ImmutableTagRule[];

  constructor(rules: () => readonly ImmutableTagRule[]) {
    this.#rules = rules;
  }

  has(name: RepositoryName, tag: Tag): boolean {
    return this.#matching(name, tag).length > 0;
  }

  /** Tells whether nobody may delete a tag: any rule is enough that does not allow it. */
  isKept(name: RepositoryName, tag: Tag): boolean {
    return this.#matching(name, tag).some(({ allowDelete }) => !allowDelete);
  }

  /** Tells whether a repository may have tags that nobody may delete. */
  mayKeepTags(name: RepositoryName): boolean {
    return this.#rules().some((rule) => !rule.allowDelete && isFor(rule, name));
  }

  /** @throws OciError `POLICY_REFUSED` when a tag that exists would point to another manifest */
  refuseMove(
    { name, tag }: { readonly name: RepositoryName; readonly tag: Tag },
    { from, to }: { readonly from: Digest | undefined; readonly to: Digest },
  ): void {
    if (from === undefined || from === to || !this.has(name, tag)) return;
    throw immutable(`${name}:${tag} is immutable and points to ${from}: push another tag`);
  }

  /** @throws OciError `POLICY_REFUSED` when a tag may not be deleted */
  refuseDelete(name: RepositoryName, tag: Tag): void {
    if (!this.isKept(name, tag)) return;
    throw immutable(`${name}:${tag} is immutable and cannot be deleted`);
  }

  #matching(name: RepositoryName, tag: Tag): readonly ImmutableTagRule[] {
    if (isBookkeepingTag(tag)) return [];
    return this.#rules().filter(
      (rule) =>
        isFor(rule, name) &&
        rule.tags.some((pattern) => matchesText(pattern, tag)) &&
        !rule.except?.some((pattern) => matchesText(pattern, tag)),
    );
  }
}

/** Returns the failure of a deletion of a manifest to which an immutable tag points. */
export function heldByTag(name: RepositoryName, digest: Digest, tag: Tag): OciError {
  return immutable(`${name}@${digest} cannot be deleted: the immutable tag ${tag} points to it`);
}

function isFor({ repositories }: ImmutableTagRule, name: RepositoryName): boolean {
  return repositories.some((pattern) => coversRepository(pattern, name));
}

function immutable(message: string): OciError {
  return new OciError('POLICY_REFUSED', message, {
    hint: 'A rule of the registry keeps such tags as they are: server.immutable_tags.',
    reason: { kind: 'tag-immutable' },
  });
}
