import type { RepositoryName } from '@oci/spec-types';

/** The token scope for a repository (distribution's token specification, "Resource scopes"). */
export function repositoryScope(
  name: RepositoryName,
  ...actions: readonly ('pull' | 'push' | 'delete')[]
): string {
  return `repository:${name}:${actions.join(',')}`;
}

export const catalogScope = 'registry:catalog:*';

/** Whether a request needs the rights of a push. */
export function isOfPush(scopes: readonly string[]): boolean {
  return scopes.some((scope) => /:(?:[a-z*]+,)*push(?:,|$)/.test(scope));
}

/** Those of a challenge's scopes that are of no resource, and so of every request. */
export function freeScopes(scopes: string): string {
  return scopes
    .split(/\s+/)
    .filter((scope) => !isOfResource(scope))
    .join(' ');
}

/** `type:name:actions`. */
function isOfResource(scope: string): boolean {
  return scope.indexOf(':') !== scope.lastIndexOf(':');
}

/**
 * Scopes in one canonical form: actions on one resource merged, everything sorted. A resource's name
 * may hold a colon, so it stands between the first and the last. What is not `type:name:actions` stays
 * as the registry wrote it (`*` of Gitea, `aws` of Amazon ECR; go-gitea/gitea#36907).
 */
export function canonicalScopes(scopes: readonly string[]): readonly string[] {
  const byResource = new Map<string, Set<string>>();
  const others = new Set<string>();
  for (const scope of scopes.flatMap((text) => text.split(/\s+/)).filter(Boolean)) {
    if (!isOfResource(scope)) {
      others.add(scope);
      continue;
    }
    const colon = scope.lastIndexOf(':');
    const resource = scope.slice(0, colon);
    const actions = byResource.get(resource) ?? new Set();
    for (const action of scope.slice(colon + 1).split(',')) actions.add(action);
    byResource.set(resource, actions);
  }
  const merged = [...byResource].map(
    ([resource, actions]) => `${resource}:${[...actions].sort().join(',')}`,
  );
  return [...others, ...merged].sort();
}
