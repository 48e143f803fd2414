import type { CallOptions, RepositoryName } from '@oci/spec-types';

import { keys, repositoryOfKey } from '../keys.js';
import type { Records } from '../records.js';
import { type Quota, limitedNamespaceOf } from './quota.js';
import { type QuotaRecord, usedOf } from './quota-record.js';

/** How full a namespace is. */
export interface QuotaUsage {
  readonly namespace: RepositoryName;
  /** Bytes. */
  readonly used: number;
  /** Bytes. */
  readonly limit: number;
}

export interface UsageOptions extends CallOptions {
  readonly after?: RepositoryName | undefined;
  /** Leaves out namespaces, whose records are not read then. */
  readonly isWanted?: (namespace: string) => boolean;
}

/** Lists namespaces that quotas apply to, in ASCII order: those that a quota names, and those that something was pushed to. */
export async function* quotaUsages(
  { records, quotas }: { readonly records: Records; readonly quotas: readonly Quota[] },
  { after, isWanted = () => true, signal }: UsageOptions,
): AsyncGenerator<QuotaUsage, void, undefined> {
  const named = namedIn(quotas, after).filter((name) => isWanted(name));
  const start = after === undefined ? {} : { after: keys.quota(after) };
  for await (const { key } of records.entries(keys.quotas, { ...start, signal })) {
    const name = repositoryOfKey(key);
    while (named[0] !== undefined && named[0] < name) yield* usageOf(quotas, named.shift(), 0);
    if (named[0] === name) named.shift();
    if (!isWanted(name)) continue;
    const record = await records.get<QuotaRecord>(key);
    yield* usageOf(quotas, name, record ? usedOf(record) : 0);
  }
  for (const name of named) yield* usageOf(quotas, name, 0);
}

/** The namespaces that have a quota of their own, in ASCII order. */
function namedIn(quotas: readonly Quota[], after: string | undefined): RepositoryName[] {
  const names = quotas.map(({ namespace }) => namespace).filter((name) => !name.includes('*'));
  return names.filter((name) => after === undefined || name > after).sort() as RepositoryName[];
}

/** Nothing where no quota applies to a namespace any more. */
function* usageOf(
  quotas: readonly Quota[],
  name: RepositoryName | undefined,
  used: number,
): Generator<QuotaUsage> {
  const limited = name && limitedNamespaceOf(quotas, name);
  if (limited?.name === name && limited)
    yield { namespace: limited.name, used, limit: limited.maxBytes };
}
