import type { TokenGrant } from './auth-options.js';

/** A name may hold a colon, so the ends are split off (distribution's token scope grammar). */
export function parseScope(text: string): TokenGrant | undefined {
  const first = text.indexOf(':');
  const last = text.lastIndexOf(':');
  if (first <= 0 || last === first) return undefined;
  const actions = text.slice(last + 1).split(',');
  return { type: text.slice(0, first), name: text.slice(first + 1, last), actions };
}

export function formatScope({ type, name, actions }: TokenGrant): string {
  return `${type}:${name}:${actions.join(',')}`;
}

/** Whether grants cover what is needed. */
export function covers(granted: readonly TokenGrant[], needed: TokenGrant): boolean {
  const actions = new Set(
    granted
      .filter(({ type, name }) => type === needed.type && name === needed.name)
      .flatMap((grant) => grant.actions),
  );
  return actions.has('*') || needed.actions.every((action) => actions.has(action));
}
