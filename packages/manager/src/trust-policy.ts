import type { RegistryHost, RepositoryName } from '@oci/spec-types';

import type { TrustDemand } from './signing/verify-trust.js';

/** What an artifact needs to be used. */
export type TrustRequirement = 'signature' | 'nothing' | 'reject';

/** Who has to have signed what is of a part of the registries. */
export interface TrustRule {
  /** `host`, `host/path` with all below it, or `*` for whatever no other rule is for. */
  readonly scope: string;
  readonly require: TrustRequirement;
  /** `warn` lets through what does not fulfil the rule, with a warning. Default `enforce`. */
  readonly mode?: 'enforce' | 'warn' | undefined;
  /** Called when the first artifact needs it. */
  readonly authority: () => Promise<FingerprintedAuthority>;
}

export interface FingerprintedAuthority extends TrustDemand {
  /** Another one when the demand is another: what was verified before counts no more. */
  readonly fingerprint: string;
}

/** The most specific rule for a repository; of two that are for the same part, as of a host with its port, the stricter. */
export function trustRuleFor(
  rules: readonly TrustRule[],
  {
    registry,
    repository,
  }: { readonly registry: RegistryHost; readonly repository: RepositoryName },
): TrustRule | undefined {
  const name = withoutUsualPort(`${registry}/${repository}/`);
  return rules
    .filter(({ scope }) => scope === '*' || name.startsWith(withoutUsualPort(`${scope}/`)))
    .sort((a, b) => specificity(b) - specificity(a) || strictness(b) - strictness(a))[0];
}

/** `registry.example:443` is another name of `registry.example`, and must not be a way around its rule. */
function withoutUsualPort(name: string): string {
  return name.replace(/^([^/]*[^/:]):(?:443|80)\//, '$1/');
}

/** How many parts of a name a scope says: its host, and each component of its path. */
function specificity({ scope }: TrustRule): number {
  return scope === '*' ? 0 : scope.split('/').length;
}

function strictness({ require }: TrustRule): number {
  return ['nothing', 'signature', 'reject'].indexOf(require);
}
