import type { RepositoryName } from '@oci/spec-types';

import type { Exchange } from '../transport/exchange.js';
import type { Endpoint } from './endpoint.js';

/** What is learned of one registry's referrers while it is used. */
export interface ReferrersKnowledge {
  /** Whether a repository has the referrers API; absent before it was asked. A proxy's may differ. */
  readonly hasApi: Map<RepositoryName, boolean>;
  /** The last change of each referrers tag, so that those of this process don't race each other. */
  readonly changes: Map<string, Promise<unknown>>;
}

/** Kept for as long as the registry's connection, which all its repositories share. */
const byExchange = new WeakMap<Exchange, ReferrersKnowledge>();

export function referrersKnowledge({ exchange }: Endpoint): ReferrersKnowledge {
  const known = byExchange.get(exchange) ?? { hasApi: new Map(), changes: new Map() };
  byExchange.set(exchange, known);
  return known;
}
