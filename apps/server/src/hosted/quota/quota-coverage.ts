import type { RepositoryName } from '@oci/spec-types';

import { keys } from '../keys.js';
import type { Records } from '../records.js';
import { type LimitedNamespace, type Quota, limitedNamespaceOf } from './quota.js';

/** Says for which quotas all links are counted. */
interface CoverageRecord {
  /** {@link Quota.namespace} of each. */
  readonly namespaces: readonly string[];
}

/** Tells whether all links of a repository are counted in a namespace. */
export type CoverageCheck = (repository: RepositoryName, namespace: LimitedNamespace) => boolean;

/**
 * Which links are counted: from a count of all of them on, for as long as every process counts what it adds. A process
 * that does not count a namespace says so before it adds anything.
 */
export class QuotaCoverage {
  readonly #records: Records;
  #known: { readonly quotas: readonly Quota[]; readonly check: Promise<CoverageCheck> } | undefined;

  constructor(records: Records) {
    this.#records = records;
  }

  /** Reads the record once for each set of quotas. */
  of(quotas: readonly Quota[]): Promise<CoverageCheck> {
    if (this.#known?.quotas === quotas) return this.#known.check;
    const check = this.#narrow(quotas).then(checkOf);
    const known = { quotas, check };
    this.#known = known;
    check.catch(() => {
      if (this.#known === known) this.#known = undefined;
    });
    return check;
  }

  /** Says that all links are counted for quotas. */
  async set(quotas: readonly Quota[]): Promise<void> {
    const namespaces = quotas.map(({ namespace }) => namespace);
    await this.#records.change<CoverageRecord>(keys.quotaCoverage, (known) =>
      sameTexts(known?.namespaces ?? [], namespaces) ? undefined : { namespaces },
    );
    this.#known = { quotas, check: Promise.resolve(checkOf(namespaces)) };
  }

  /** Takes what this process does not count from the record. @returns what is left */
  async #narrow(quotas: readonly Quota[]): Promise<readonly string[]> {
    const isCounted = (namespace: string): boolean =>
      quotas.some((quota) => quota.namespace === namespace);
    const { after } = await this.#records.change<CoverageRecord>(keys.quotaCoverage, (known) =>
      known?.namespaces.every(isCounted) === false
        ? { namespaces: known.namespaces.filter(isCounted) }
        : undefined,
    );
    return after.value?.namespaces ?? [];
  }
}

/** A quota that was added or taken out may change the namespace of a repository. */
function checkOf(namespaces: readonly string[]): CoverageCheck {
  const quotas = namespaces.map((namespace) => ({ namespace, maxBytes: 0 }));
  return (repository, { name }) => limitedNamespaceOf(quotas, repository)?.name === name;
}

function sameTexts(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((text) => others.includes(text));
}
