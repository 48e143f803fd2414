import { type CallOptions, type RepositoryName, SingleFlight } from '@oci/spec-types';
import { LRUCache } from 'lru-cache';

import { hasPassed } from '../interval.js';
import { keys } from '../keys.js';
import type { Records } from '../records.js';
import { Task } from '../task-record.js';
import { Ledger, type LedgerOutcome } from './ledger.js';
import { LinkQuota } from './link-quota.js';
import { type LimitedNamespace, type Quota, limitedNamespaceOf } from './quota.js';
import { QuotaCount, type QuotaCountReport } from './quota-count.js';
import { QuotaCoverage } from './quota-coverage.js';
import { QuotaExceeded, type QuotaState, QuotaUncounted } from './quota-failure.js';
import { type QuotaListener, QuotaNotices } from './quota-notices.js';
import {
  type Counted,
  type QuotaRecord,
  usedOf,
  withReleased,
  withReserved,
} from './quota-record.js';
import { type QuotaUsage, type UsageOptions, quotaUsages } from './quota-usage.js';
import { OpenReservations, type Reservation } from './reservation.js';

export interface QuotasOptions {
  readonly quotas?: readonly Quota[] | undefined;
  /** No other process uses the storage: what it has not reserved itself was left. Default false. */
  readonly isAlone?: boolean | undefined;
  readonly onNotice?: QuotaListener | undefined;
  /** How long a push waits for the first count of its namespace, in milliseconds. Default 10 s. */
  readonly patienceMs?: number | undefined;
}

export interface ReserveOptions {
  /** Reserve whatever the limit is. Default false. */
  readonly isForced?: boolean;
  /** Is called at the moment from which on the bytes are used. */
  readonly onReserved?: (() => void) | undefined;
}

/** What the record of recounts keeps: the last one that was done, and when one was last tried. */
type RecountState = Partial<QuotaCountReport> & {
  /** Milliseconds since the epoch, as `triedAt`. */
  readonly countedAt?: number;
  readonly triedAt?: number;
};

/** Namespaces whose ledgers are kept. */
const mostLedgers = 10_000;

/** What the links of namespaces may hold together, whichever process writes them. */
export class Quotas {
  readonly isAlone: boolean;
  readonly #records: Records;
  readonly #patienceMs: number;
  readonly #notices: QuotaNotices;
  readonly #ledgers = new LRUCache<RepositoryName, Ledger>({ max: mostLedgers });
  readonly #reservations = new OpenReservations();
  readonly #coverage: QuotaCoverage;
  readonly #count: QuotaCount;
  readonly #counting = new SingleFlight<QuotaCountReport>();
  readonly #recount: Task<RecountState>;
  #quotas: readonly Quota[];

  constructor(records: Records, options: QuotasOptions = {}) {
    this.#records = records;
    this.isAlone = options.isAlone ?? false;
    this.#quotas = options.quotas ?? [];
    this.#patienceMs = options.patienceMs ?? 10_000;
    this.#notices = new QuotaNotices(options.onNotice);
    this.#coverage = new QuotaCoverage(records);
    this.#recount = new Task(records, 'recount');
    this.#count = new QuotaCount({
      records,
      isAlone: this.isAlone,
      ledger: (namespace) => this.ledger(namespace),
      reserve: (namespace, bytes) => this.reserve(namespace, bytes, { isForced: true }),
      release: (counted, summed) => this.release(counted, summed),
      allEnded: () => this.#reservations.allEnded(),
    });
  }

  /** The quotas that apply. */
  get present(): readonly Quota[] {
    return this.#quotas;
  }

  /** Replaces the quotas; pushes that have reserved go on. */
  configure(quotas: readonly Quota[]): void {
    this.#quotas = quotas;
  }

  /** The record of a namespace. */
  ledger(namespace: RepositoryName): Ledger {
    const known = this.#ledgers.get(namespace);
    if (known) return known;
    const ledger = new Ledger(this.#records, keys.quota(namespace));
    this.#ledgers.set(namespace, ledger);
    return ledger;
  }

  /**
   * Begins to write a link of a repository: finds the namespace that it is counted in, when all that the namespace
   * holds is.
   *
   * @throws QuotaUncounted
   */
  async open(repository: RepositoryName): Promise<LinkQuota> {
    for (;;) {
      const quotas = this.#quotas;
      const namespace = await this.namespaceOf(repository);
      // A count waits for links that are written without the quotas that it counts for.
      if (quotas === this.#quotas)
        return new LinkQuota(this, namespace, this.#reservations.begin());
    }
  }

  /**
   * The namespace that a repository is counted in; undefined when there is none.
   *
   * @throws QuotaUncounted
   */
  async namespaceOf(repository: RepositoryName): Promise<LimitedNamespace | undefined> {
    const quotas = this.#quotas;
    const isCovered = await this.#coverage.of(quotas);
    const namespace = limitedNamespaceOf(quotas, repository);
    if (!namespace || isCovered(repository, namespace)) return namespace;
    await within(this.#patienceMs, this.count());
    if ((await this.#coverage.of(quotas))(repository, namespace)) return namespace;
    throw new QuotaUncounted(namespace.name);
  }

  /**
   * Takes bytes from a quota for a link that is to be written.
   *
   * @throws QuotaExceeded, QuotaUncounted
   */
  async reserve(
    namespace: LimitedNamespace,
    bytes: number,
    { isForced = false, onReserved }: ReserveOptions = {},
  ): Promise<Reservation> {
    const { name, maxBytes } = namespace;
    const fits = (record: QuotaRecord): boolean =>
      !record.isUncounted && usedOf(record) + bytes <= maxBytes;
    // Is open before it is recorded: who begins an era waits for those that are in the one before.
    const end = this.#reservations.begin();
    try {
      const outcome = await this.ledger(name).change(
        (record) => (isForced || fits(record) ? withReserved(record, bytes) : undefined),
        { onDone: onReserved },
      );
      if (!outcome.isDone) throw this.#refusal(namespace, bytes, outcome);
      const { before, after } = outcome;
      this.#notices.grown(namespace, usedOf(before), usedOf(after));
      const counted = { in: name, bytes, era: after.era };
      return { counted, summed: after.summed, reservedAt: performance.now(), end };
    } catch (error) {
      end();
      throw error;
    }
  }

  /**
   * Gives back what a link was counted with that is gone. What cannot be recorded is found by a recount.
   *
   * @param summed of {@link summedOf}, before the link was removed
   */
  async release(counted: Counted, summed: number): Promise<void> {
    const give = (record: QuotaRecord): QuotaRecord => withReleased(record, counted, summed);
    await this.ledger(counted.in)
      .change(give, { isOnce: true })
      .catch(() => {});
  }

  /** The era before which the links of a namespace were summed up last. */
  async summedOf(namespace: RepositoryName): Promise<number> {
    return (await this.ledger(namespace).read())?.summed ?? 0;
  }

  /** How full the namespaces are that quotas apply to, in ASCII order behind `after`. */
  usages(options: UsageOptions = {}): AsyncGenerator<QuotaUsage, void, undefined> {
    return quotaUsages({ records: this.#records, quotas: this.#quotas }, options);
  }

  /**
   * Counts what the links of all namespaces hold, while pushes go on.
   *
   * @param options.now milliseconds since the epoch, by which eras are long over or not
   */
  count({
    now,
    ...options
  }: CallOptions & { readonly now?: number } = {}): Promise<QuotaCountReport> {
    const count = async (signal: AbortSignal): Promise<QuotaCountReport> => {
      const quotas = this.#quotas;
      const report = await this.#count.run(quotas, { now, signal });
      if (quotas === this.#quotas) await this.#coverage.set(quotas);
      return report;
    };
    return this.#counting.do('count', count, options);
  }

  /** Returns the failure of a push that does not fit, and tells of it. */
  refused(state: QuotaState, needed: number): QuotaExceeded {
    this.#notices.refused(state);
    return new QuotaExceeded(state, needed);
  }

  /** Counts for the quotas there are, unless another process does. */
  async recount({ signal }: CallOptions = {}): Promise<void> {
    if (this.#quotas.length === 0) return;
    await this.#recount.run(
      async (lease) => {
        const report = await this.count({ signal: lease.signal }).catch(async (error: unknown) => {
          // One that was interrupted is due at once.
          if (!lease.signal.aborted)
            await lease.save({ ...lease.state, triedAt: Date.now() }).catch(() => {});
          throw error;
        });
        await lease.save({ ...report, countedAt: Date.now(), triedAt: Date.now() });
      },
      { signal },
    );
  }

  /** Tells whether a recount is due: none has ended within the interval, nor failed. */
  async isRecountDue(intervalMs: number, now?: number): Promise<boolean> {
    if (this.#quotas.length === 0) return false;
    const { triedAt } = (await this.#recount.status()).state ?? {};
    return triedAt === undefined || hasPassed(triedAt, intervalMs, now);
  }

  #refusal(
    { name, maxBytes: limit, repository }: LimitedNamespace,
    bytes: number,
    { before }: LedgerOutcome,
  ): QuotaExceeded | QuotaUncounted {
    if (!before.isUncounted)
      return this.refused({ namespace: name, repository, used: usedOf(before), limit }, bytes);
    void this.count().catch(() => {});
    return new QuotaUncounted(name);
  }
}

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}
