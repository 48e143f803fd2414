import type { RepositoryName } from '@oci/spec-types';

/** The token scope for a repository (distribution's token specification, "Resource scopes"). */
export function repositoryScope(
  name: RepositoryName,
  ...actions: readonly ('pull' | 'push' | 'delete')[]
): string {
  return `repository:${name}:${actions.join(',')}`;
}

export const catalogScope = 'registry:catalog:*';

/**
 * Scopes in one canonical form: actions on one resource merged, everything sorted. A resource's name
 * may hold a colon, so it stands between the first and the last.
 */
export function canonicalScopes(scopes: readonly string[]): readonly string[] {
  const byResource = new Map<string, Set<string>>();
  for (const scope of scopes.flatMap((text) => text.split(/\s+/)).filter(Boolean)) {
    const colon = scope.lastIndexOf(':');
    const resource = scope.slice(0, Math.max(0, colon));
    const actions = byResource.get(resource) ?? new Set();
    for (const action of scope.slice(colon + 1).split(',')) actions.add(action);
    byResource.set(resource, actions);
  }
  return [...byResource]
    .map(([resource, actions]) => `${resource}:${[...actions].sort().join(',')}`)
    .sort();
}
