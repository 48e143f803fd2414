import { coversRepository, matchesText } from '../name-pattern.js';
import { type Caller, anonymous } from './caller.js';

/** What a caller may be allowed to do with the repositories of a namespace. */
export const actions = ['list', 'pull', 'push', 'install', 'observe', 'admin'] as const;

export type Action = (typeof actions)[number];

/** Allows what it names to whom it names, in namespaces and all below them. */
export interface Rule {
  /**
   * `token:<name>`, `user:[<issuer>/]<sub>`, `group:[<issuer>/]<name>`, `certificate:<common name>`,
   * `anonymous`, `authenticated`, or `anyone`; `*` stands for any text in a name.
   */
  readonly who: readonly string[];
  /** First components of repositories; `*` stands for any text in one component. */
  readonly namespaces: readonly string[];
  readonly actions: readonly Action[];
}

/** Whether any rule allows an action on a repository; on the server as a whole without one. */
export function permits(
  rules: readonly Rule[],
  caller: Caller,
  { action, repository }: { readonly action: Action; readonly repository?: string | undefined },
): boolean {
  return rules.some(
    (rule) =>
      rule.actions.includes(action) &&
      isOf(rule, caller) &&
      rule.namespaces.some((pattern) => covers(pattern, repository)),
  );
}

/** Whether a rule allows an action somewhere in a namespace: what it lists is then filtered. */
export function permitsWithin(
  rules: readonly Rule[],
  caller: Caller,
  { action, namespace }: { readonly action: Action; readonly namespace?: string | undefined },
): boolean {
  return rules.some(
    (rule) =>
      rule.actions.includes(action) &&
      isOf(rule, caller) &&
      (namespace === undefined || rule.namespaces.some((pattern) => meets(pattern, namespace))),
  );
}

function isOf(rule: Rule, caller: Caller): boolean {
  const names = [...caller.names, 'anyone'];
  if (caller !== anonymous) names.push('authenticated');
  return rule.who.some((pattern) => names.some((name) => matchesText(pattern, name)));
}

/** The server as a whole is covered by `*` alone. */
function covers(pattern: string, repository: string | undefined): boolean {
  return repository === undefined ? pattern === '*' : coversRepository(pattern, repository);
}

function meets(pattern: string, namespace: string): boolean {
  const wanted = pattern.split('/');
  const given = namespace.split('/');
  const depth = Math.min(wanted.length, given.length);
  return wanted.slice(0, depth).every((part, at) => matchesText(part, given[at] ?? ''));
}
