import type { ImmutableTagRule } from './immutable-tags.js';
import type { RetentionRule } from './retention-rule.js';

/** The rules of the configuration for hosted repositories. */
export interface HostedRules {
  readonly immutableTags: readonly ImmutableTagRule[];
  readonly retention: readonly RetentionRule[];
}

export const noRules: HostedRules = { immutableTags: [], retention: [] };
