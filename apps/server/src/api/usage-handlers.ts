import { parseDigest, parseRepositoryName } from '@oci/spec-types';

import type { ManifestUsage } from '../hosted/rules/pull-counts.js';
import type { ServerParts } from '../server-parts.js';
import type { Handlers } from './endpoint.js';
import type { UsageJson, UsageQuery } from './json/usage-json.js';

export function usageHandlers({ gate, hosted }: ServerParts): Handlers<'listUsage'> {
  return {
    async listUsage({ repository, limit = 100, after }, { context }) {
      gate.require(context, 'observe', repository);
      return usagePage(hosted, { repository, limit, after });
    },
  };
}

async function usagePage(
  { pulls }: Pick<ServerParts['hosted'], 'pulls'>,
  { repository, limit, after }: UsageQuery & { readonly limit: number },
): Promise<UsageJson> {
  const name = parseRepositoryName(repository);
  const found: ManifestUsage[] = [];
  const start = after === undefined ? undefined : parseDigest(after);
  for await (const usage of pulls.list(name, { after: start, pageSize: limit + 1 })) {
    found.push(usage);
    if (found.length > limit) break;
  }
  const page = found.slice(0, limit);
  return {
    repository,
    manifests: page.map(({ digest, pulls, lastPulledAt }) => ({
      digest,
      pulls,
      last_pulled_at: new Date(lastPulledAt).toISOString(),
    })),
    next: found.length > limit ? (page.at(-1)?.digest ?? null) : null,
  };
}
