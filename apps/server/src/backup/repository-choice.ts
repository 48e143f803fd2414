import { OciError, type RepositoryName, parseRepositoryName } from '@oci/spec-types';

/** Options that choose repositories; all, when there is none. */
export interface RepositoryChoice {
  readonly namespace?: readonly string[] | undefined;
  readonly repository?: readonly string[] | undefined;
}

/** Returns what tells whether a repository was chosen. @throws OciError `REFERENCE_INVALID` */
export function repositoryFilter({
  namespace = [],
  repository = [],
}: RepositoryChoice): (name: RepositoryName) => boolean {
  const namespaces = namespace.map((text) => parseRepositoryName(text.replace(/\/(?:\*|…)?$/, '')));
  const names = new Set(repository.map(parseRepositoryName));
  if (namespaces.length === 0 && names.size === 0) return () => true;
  return (name) =>
    names.has(name) || namespaces.some((each) => name === each || name.startsWith(`${each}/`));
}

/**
 * Returns the name of a repository below a prefix.
 *
 * @throws OciError `REFERENCE_INVALID` when it is too long then
 */
export function nameBelow(
  prefix: RepositoryName | undefined,
  name: RepositoryName,
): RepositoryName {
  return prefix === undefined ? name : parseRepositoryName(`${prefix}/${name}`);
}

/** @throws OciError `USAGE` when a choice has chosen nothing */
export function refuseEmptyChoice(
  { namespace = [], repository = [] }: RepositoryChoice,
  { chosen, place }: { readonly chosen: number; readonly place: string },
): void {
  if (chosen > 0 || namespace.length + repository.length === 0) return;
  throw new OciError('NAME_UNKNOWN', `${place} has no repository of that name`, {
    hint: 'Check --namespace and --repository.',
  });
}
