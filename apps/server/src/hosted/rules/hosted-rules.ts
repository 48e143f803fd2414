import type { ImmutableTagRule } from './immutable-tags.js';

/** The rules of the configuration for hosted repositories. */
export interface HostedRules {
  readonly immutableTags: readonly ImmutableTagRule[];
}

export const noRules: HostedRules = { immutableTags: [] };
