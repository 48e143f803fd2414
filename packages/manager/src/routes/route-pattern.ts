import { OciError, type RepositoryName, isRepositoryName } from '@oci/spec-types';

/**
 * A pattern of repository names: the components of a name, each of which may end with a `*` for any further
 * characters. It matches a repository and all below it: `kcl/team-*` is for `kcl/team-a` and `kcl/team-a/net`.
 */
export interface RoutePattern {
  readonly text: string;
  readonly components: readonly Component[];
}

interface Component {
  /** Without the `*`. */
  readonly text: string;
  readonly isOpen: boolean;
}

/** Characters, as a repository name has at most. */
const maxLength = 255;

/** @throws OciError `REFERENCE_INVALID` */
export function parseRoutePattern(text: string): RoutePattern {
  const components = text.split('/').map(parseComponent);
  // With a letter for each `*` it has to be the name of a repository, or else it would match none.
  const example = text.replaceAll('*', 'a');
  if (text.length <= maxLength && isRepositoryName(example) && components.every(isSound))
    return { text, components };
  throw new OciError(
    'REFERENCE_INVALID',
    `invalid pattern of repositories ${JSON.stringify(text.slice(0, 300))}`,
    { hint: 'Write kcl for all below kcl, or kcl/team-*: a "*" ends a component of the name.' },
  );
}

function parseComponent(text: string): Component {
  const isOpen = text.endsWith('*');
  return { text: isOpen ? text.slice(0, -1) : text, isOpen };
}

function isSound({ text }: Component): boolean {
  return !text.includes('*');
}

/** Whether a repository, and so all below it, is of a pattern. */
export function matchesPattern({ components }: RoutePattern, repository: RepositoryName): boolean {
  const names = repository.split('/');
  return components.length <= names.length && agree(components, names);
}

/** Whether a repository below a namespace may be of a pattern. */
export function matchesBelow({ components }: RoutePattern, namespace: RepositoryName): boolean {
  return agree(components, namespace.split('/'));
}

/** Whether the components that both have are alike. */
function agree(components: readonly Component[], names: readonly string[]): boolean {
  return components
    .slice(0, names.length)
    .every(({ text, isOpen }, at) => (isOpen ? names[at]?.startsWith(text) : names[at] === text));
}

/**
 * Orders patterns, the more specific first: at the first component in which two differ, a whole one comes before
 * one with a `*`, more characters before fewer, and any before none. Of two patterns that match one name, one is
 * always the more specific.
 */
export function compareSpecificity(a: RoutePattern, b: RoutePattern): number {
  const most = Math.max(a.components.length, b.components.length);
  for (let at = 0; at < most; at += 1) {
    const [left, right] = [a.components[at], b.components[at]];
    const difference = rank(right) - rank(left);
    if (difference !== 0) return difference;
    if (left && right && left.text !== right.text) return left.text < right.text ? -1 : 1;
  }
  return 0;
}

/** How much a component says of a name. */
function rank(component: Component | undefined): number {
  if (!component) return -1;
  return component.isOpen ? component.text.length : Number.MAX_SAFE_INTEGER;
}
