import type { RepositoryName } from '@oci/spec-types';

/** How much the repositories of a namespace may hold together. */
export interface Quota {
  /**
   * The first components of names of repositories. A `*` stands for any one component: each namespace that matches
   * has the quota for itself.
   */
  readonly namespace: string;
  readonly maxBytes: number;
}

/** A namespace that a quota applies to. */
export interface LimitedNamespace {
  readonly name: RepositoryName;
  readonly maxBytes: number;
  /** The one that was asked for. */
  readonly repository: RepositoryName;
}

/**
 * Returns the namespace that a repository is counted in, by the most specific of the quotas that match it: one with
 * more components before one with fewer, and of two as long the one that names a component where the other has `*`.
 * Undefined when none matches.
 */
export function limitedNamespaceOf(
  quotas: readonly Quota[],
  repository: RepositoryName,
): LimitedNamespace | undefined {
  const parts = repository.split('/');
  let found: readonly string[] | undefined;
  let maxBytes = 0;
  for (const quota of quotas) {
    const pattern = quota.namespace.split('/');
    if (!covers(pattern, parts) || (found && !isMoreSpecific(pattern, found))) continue;
    found = pattern;
    maxBytes = quota.maxBytes;
  }
  if (!found) return undefined;
  return { name: parts.slice(0, found.length).join('/') as RepositoryName, maxBytes, repository };
}

/** Tells whether a name, or a beginning of it, is of a pattern. */
function covers(pattern: readonly string[], parts: readonly string[]): boolean {
  return (
    pattern.length <= parts.length &&
    pattern.every((component, at) => component === '*' || component === parts[at])
  );
}

/** Compares two patterns that match the same name. */
function isMoreSpecific(pattern: readonly string[], than: readonly string[]): boolean {
  if (pattern.length !== than.length) return pattern.length > than.length;
  const at = pattern.findIndex((component, index) => component !== than[index]);
  return at >= 0 && than[at] === '*';
}
