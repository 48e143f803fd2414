import { type CallOptions, type RepositoryName, throwIfAborted } from '@oci/spec-types';

import type { ContentRecord } from '../content-index.js';
import { digestOfLinkKey, keys, repositoryOfKey } from '../keys.js';
import type { LinkRecord } from '../link-record.js';
import type { Records, Seen } from '../records.js';
import type { Ledger } from './ledger.js';
import { type LimitedNamespace, type Quota, limitedNamespaceOf } from './quota.js';
import {
  type Counted,
  type QuotaRecord,
  asCounted,
  isCountedIn,
  withNewEra,
  withSum,
} from './quota-record.js';
import { type Reservation, maxReservedMs } from './reservation.js';

export interface QuotaCountParts {
  readonly records: Records;
  readonly isAlone: boolean;
  readonly ledger: (namespace: RepositoryName) => Ledger;
  /** Reserves whatever the limit is. */
  readonly reserve: (namespace: LimitedNamespace, bytes: number) => Promise<Reservation>;
  readonly release: (counted: Counted, summed: number) => Promise<void>;
  /** Settles when the links that this process writes now are written. */
  readonly allEnded: () => Promise<void>;
}

/** What a count has done. */
export interface QuotaCountReport {
  /** Links of namespaces with a quota that were read. */
  readonly links: number;
  /** Links that were not counted before. */
  readonly added: number;
  /** Namespaces whose links were summed up. */
  readonly summed: number;
  /** Bytes that nothing held, and that were given back. */
  readonly freed: number;
}

/** Links that are read at the same time. */
const atOnce = 8;
/** How long links that are being written are waited for, in milliseconds. */
const patienceMs = 60_000;
/** When nobody reserves any more in the era before one that began as long ago, whatever its clock says. */
const quietMs = maxReservedMs + 12 * 60 * 60_000;

/**
 * Reads all links: counts those that are not counted yet, and puts the sum of those that were counted in eras that are
 * over in place of what the record has for them. The sum of an era can be made once nothing is reserved in it any
 * more: at once where this process is alone, after half a day otherwise. Two counts at the same time do no harm: each
 * link is changed under a condition, and a sum is taken over in the era that it was begun in.
 */
export class QuotaCount {
  readonly #parts: QuotaCountParts;

  constructor(parts: QuotaCountParts) {
    this.#parts = parts;
  }

  async run(
    quotas: readonly Quota[],
    { now = Date.now(), signal }: CallOptions & { readonly now?: number | undefined },
  ): Promise<QuotaCountReport> {
    const run = new CountRun(this.#parts, { quotas, now });
    await run.begin();
    if (quotas.length > 0) await run.readLinks(signal);
    return run.end();
  }
}

/** A namespace that is summed up. */
interface Summing {
  /** The record since before links are read. */
  readonly record: QuotaRecord;
  bytes: number;
}

class CountRun {
  readonly #parts: QuotaCountParts;
  readonly #quotas: readonly Quota[];
  readonly #now: number;
  readonly #summing = new Map<RepositoryName, Summing>();
  readonly #uncounted = new Map<RepositoryName, QuotaRecord>();
  /** Of namespaces that are not summed up. */
  readonly #others = new Map<RepositoryName, QuotaRecord>();
  readonly #counts = { links: 0, added: 0, summed: 0, freed: 0 };

  constructor(
    parts: QuotaCountParts,
    { quotas, now }: { readonly quotas: readonly Quota[]; readonly now: number },
  ) {
    this.#parts = parts;
    this.#quotas = quotas;
    this.#now = now;
  }

  /** Finds the namespaces that can be summed up. */
  async begin(): Promise<void> {
    const { records, isAlone } = this.#parts;
    for await (const { key } of records.entries(keys.quotas)) {
      const name = repositoryOfKey(key);
      if (limitedNamespaceOf(this.#quotas, name)?.name !== name) continue;
      const record = await this.#beginOf(name);
      if (record.isUncounted) this.#uncounted.set(name, record);
      else if (isAlone || this.#now - record.since >= quietMs)
        this.#summing.set(name, { record, bytes: 0 });
    }
    const isQuiet = await endsWithin(patienceMs, this.#parts.allEnded());
    if (!isQuiet) this.#summing.clear();
  }

  async readLinks(signal: AbortSignal | undefined): Promise<void> {
    let batch: string[] = [];
    const readBatch = async (): Promise<void> => {
      throwIfAborted(signal);
      await Promise.all(batch.map((key) => this.#read(key)));
      batch = [];
    };
    for await (const { key } of this.#parts.records.entries(keys.allLinks, { signal })) {
      if (limitedNamespaceOf(this.#quotas, repositoryOfKey(key))) batch.push(key);
      if (batch.length >= atOnce) await readBatch();
    }
    await readBatch();
  }

  async end(): Promise<QuotaCountReport> {
    const { isAlone, ledger } = this.#parts;
    for (const [name, { record: begun, bytes }] of this.#summing) {
      const { before, after } = await ledger(name).change((present) => {
        const summed = withSum(present, begun, bytes);
        return isAlone || present.era !== begun.era ? summed : withNewEra(summed, this.#now);
      });
      if (after.summed === before.summed) continue;
      this.#counts.summed += 1;
      this.#counts.freed += Math.max(0, before.older - bytes);
    }
    for (const [name, { first }] of this.#uncounted)
      await ledger(name).change((present) =>
        present.first === first ? asCounted(present) : present,
      );
    return this.#counts;
  }

  async #beginOf(name: RepositoryName): Promise<QuotaRecord> {
    const ledger = this.#parts.ledger(name);
    const present = await ledger.read();
    if (present && !this.#parts.isAlone) return present;
    // One that is damaged is replaced.
    const begun = await ledger.change((record) =>
      record.isUncounted ? { ...record } : withNewEra(record, this.#now),
    );
    return begun.after;
  }

  async #read(key: string): Promise<void> {
    const namespace = limitedNamespaceOf(this.#quotas, repositoryOfKey(key));
    const seen = await this.#parts.records.see<LinkRecord>(key);
    if (!seen.value || !namespace) return;
    this.#counts.links += 1;
    const { counted } = seen.value;
    const record = counted?.in === namespace.name && (await this.#recordOf(namespace.name));
    if (!counted || !record || !isCountedIn(record, counted))
      return this.#add(key, { namespace, seen, link: seen.value });
    const summing = this.#summing.get(namespace.name);
    if (summing && counted.era < summing.record.era) summing.bytes += counted.bytes;
  }

  async #recordOf(name: RepositoryName): Promise<QuotaRecord | undefined> {
    const known =
      this.#summing.get(name)?.record ?? this.#uncounted.get(name) ?? this.#others.get(name);
    if (known) return known;
    const record = await this.#parts.ledger(name).read();
    if (record) this.#others.set(name, record);
    return record;
  }

  /** Counts a link that is not counted in its namespace. */
  async #add(
    key: string,
    {
      namespace,
      seen,
      link,
    }: {
      readonly namespace: LimitedNamespace;
      readonly seen: Seen<LinkRecord>;
      readonly link: LinkRecord;
    },
  ): Promise<void> {
    const { records, reserve, release, ledger } = this.#parts;
    const digest = digestOfLinkKey(key);
    const content = digest && (await records.get<ContentRecord>(keys.content(digest)));
    if (!content) return;
    const { counted: before } = link;
    const summed = before && ((await ledger(before.in).read())?.summed ?? 0);
    const reservation = await reserve(namespace, content.size);
    try {
      const { counted } = reservation;
      const written = await records.write<LinkRecord>(key, { ...link, counted }, seen);
      if (written) this.#counts.added += 1;
      else await release(counted, reservation.summed);
      if (written && before && summed !== undefined) await release(before, summed);
    } finally {
      reservation.end();
    }
  }
}

async function endsWithin(ms: number, work: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => (timer = setTimeout(resolve, ms, false)));
  return Promise.race([work.then(() => true), late]).finally(() => clearTimeout(timer));
}
