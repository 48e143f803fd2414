import { parseRepositoryName } from '@oci/spec-types';

import type { ServerParts } from '../server-parts.js';
import type { ApiCall, Handlers } from './endpoint.js';
import type { QuotaJson, QuotasJson, QuotasQuery } from './json/quota-json.js';

export function quotaHandlers(parts: ServerParts): Handlers<'listQuotas'> {
  return { listQuotas: (query, call) => listQuotas(parts, query, call) };
}

/** Shows the namespaces that the caller may list. */
async function listQuotas(
  { gate, hosted }: ServerParts,
  { limit = 100, after }: QuotasQuery,
  { context, signal }: ApiCall,
): Promise<QuotasJson> {
  gate.requireWithin(context, 'observe');
  const start = after === undefined ? {} : { after: parseRepositoryName(after) };
  const quotas: QuotaJson[] = [];
  const isWanted = (namespace: string): boolean =>
    gate.access.permitsWithin(context.caller, 'list', namespace);
  const usages = hosted.quotas.usages({ ...start, isWanted, signal });
  for await (const { namespace, used, limit: most } of usages) {
    if (quotas.length === limit) return { quotas, next: quotas.at(-1)?.namespace ?? null };
    quotas.push({ namespace, used_bytes: used, max_bytes: most });
  }
  return { quotas, next: null };
}
