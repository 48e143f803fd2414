import { OciError } from '@oci/spec-types';

import type { Rule } from './rule.js';

/** A user or a group in the form that rules are matched in: with its issuer, which may have no name. */
export function qualifiedName(
  kind: 'user' | 'group',
  issuer: string | undefined,
  name: string,
): string {
  return `${kind}:${issuer ?? ''}/${name}`;
}

/**
 * Rules whose users and groups all say which issuer they are of. A short name stands for the only issuer.
 *
 * @param issuers their names; undefined for one without
 * @throws OciError `CONFIG_INVALID` for names that two issuers could hand out
 */
export function qualifyRules(
  rules: readonly Rule[],
  issuers: readonly (string | undefined)[],
): readonly Rule[] {
  if (issuers.length > 1 && issuers.includes(undefined)) {
    throw new OciError('CONFIG_INVALID', 'there are several issuers, and one has no name', {
      hint: 'Add name = "NAME" to each of access.issuers; rules then say user:NAME/SUB and group:NAME/GROUP.',
    });
  }
  return rules.map((rule) => ({ ...rule, who: rule.who.map((who) => qualify(who, issuers)) }));
}

function qualify(who: string, issuers: readonly (string | undefined)[]): string {
  const [, kind, name = ''] = /^(user|group):(.*)$/s.exec(who) ?? [];
  if (kind !== 'user' && kind !== 'group') return who;
  const issuer = issuers.find((known) => known !== undefined && name.startsWith(`${known}/`));
  if (issuer !== undefined) return `${kind}:${name}`;
  if (issuers.length < 2) return qualifiedName(kind, issuers[0], name);
  throw new OciError('CONFIG_INVALID', `a rule does not say which issuer ${who} is of`, {
    hint: `Write ${issuers.map((known) => `${kind}:${known}/${name}`).join(' or ')}.`,
  });
}
