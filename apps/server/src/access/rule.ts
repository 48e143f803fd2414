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
  return rule.who.some((pattern) => names.some((name) => matches(pattern, name)));
}

/** `kcl` covers `kcl` and `kcl/a/b`, not `kclx`; the server as a whole is covered by `*` alone. */
function covers(pattern: string, repository: string | undefined): boolean {
  if (repository === undefined) return pattern === '*';
  const wanted = pattern.split('/');
  const given = repository.split('/');
  return (
    wanted.length <= given.length && wanted.every((part, at) => matches(part, given[at] ?? ''))
  );
}

function meets(pattern: string, namespace: string): boolean {
  const wanted = pattern.split('/');
  const given = namespace.split('/');
  const depth = Math.min(wanted.length, given.length);
  return wanted.slice(0, depth).every((part, at) => matches(part, given[at] ?? ''));
}

/** Compares piece by piece, so that no pattern takes long whatever it is compared with. */
function matches(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return pattern === text;
  const last = rest.pop() ?? '';
  if (!text.startsWith(first) || text.length < first.length + last.length) return false;
  let at = first.length;
  for (const piece of rest) {
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return text.endsWith(last) && at <= text.length - last.length;
}
