import { setTimeout as sleep } from 'node:timers/promises';

import { OciError } from '@oci/spec-types';
import { Retries, defaultRetryRule } from '@oci/spec-types/retry';

import type { Records, Seen } from '../records.js';
import { type QuotaRecord, newQuotaRecord } from './quota-record.js';

/** Every process writes the record of a namespace by one request at a time, so that few meet. */
const contentionRule = { ...defaultRetryRule, attempts: 30, baseDelayMs: 5, maxDelayMs: 1000 };

/** One change of the record. @returns undefined when it does not fit */
export type LedgerChange = (record: QuotaRecord) => QuotaRecord | undefined;

/** How a change ended. */
export interface LedgerOutcome {
  readonly isDone: boolean;
  /** Before and after the change; the same when it was not done. */
  readonly before: QuotaRecord;
  readonly after: QuotaRecord;
}

export interface LedgerChangeOptions {
  /** Do not make the change again where it may have been made already. Default false. */
  readonly isOnce?: boolean;
  /** Is called at the moment from which on {@link Ledger.known} has the change. */
  readonly onDone?: (() => void) | undefined;
}

interface Asked extends LedgerChangeOptions {
  readonly change: LedgerChange;
}

interface Waiting extends Asked {
  readonly resolve: (outcome: LedgerOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/** What a write has come to. */
interface Written {
  readonly seen: Seen<QuotaRecord> | undefined;
  readonly outcomes: readonly LedgerOutcome[];
}

/**
 * The record of one namespace, as this process changes it. What is asked for while a write is under way is combined
 * in the next one. The version that was written last is taken for the present one, so that a change is one request
 * where no other process has written meanwhile.
 */
export class Ledger {
  readonly #records: Records;
  readonly #key: string;
  #seen: Seen<QuotaRecord> | undefined;
  #waiting: Waiting[] = [];
  #isWriting = false;

  constructor(records: Records, key: string) {
    this.#records = records;
    this.#key = key;
  }

  /** The record as it was seen last. */
  get known(): QuotaRecord | undefined {
    return this.#seen?.value;
  }

  /** The record as it is; undefined when nothing was reserved yet. */
  async read(): Promise<QuotaRecord | undefined> {
    const seen = await this.#records.see<QuotaRecord>(this.#key);
    if (!this.#isWriting) this.#seen = seen;
    return seen.value;
  }

  /** Makes a change of the present record. What does not fit is tried on the record as it is now. */
  change(change: LedgerChange, options: LedgerChangeOptions = {}): Promise<LedgerOutcome> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...options, change, resolve, reject });
      if (!this.#isWriting) void this.#writeAll();
    });
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0);
      try {
        const { seen, outcomes } = await this.#write(batch);
        this.#seen = seen;
        outcomes.forEach((outcome, at) => {
          if (outcome.isDone) batch[at]?.onDone?.();
          batch[at]?.resolve(outcome);
        });
      } catch (error) {
        // What is there is not known.
        this.#seen = undefined;
        for (const { reject } of batch) reject(error);
      }
    }
    this.#isWriting = false;
  }

  async #write(batch: readonly Asked[]): Promise<Written> {
    const contention = new Retries(contentionRule);
    let known = this.#seen;
    let isGuess = false;
    for (;;) {
      const seen = known ?? (await this.#records.see<QuotaRecord>(this.#key));
      const before = presentOf(seen);
      const { after, outcomes } = applied(
        before,
        batch.map(({ change, isOnce }) => (isOnce && isGuess ? unchanged : change)),
      );
      const isStale = known !== undefined;
      known = undefined;
      if (isStale && outcomes.some(({ isDone }) => !isDone)) continue;
      if (after === before) return { seen, outcomes };
      const onGuess = (): void => {
        isGuess = true;
      };
      const written = await this.#records.write(this.#key, after, seen, { onGuess });
      // A version that is not known any more is no condition.
      if (written) return { seen: written.version === '' ? undefined : written, outcomes };
      const next = contention.next({ retryable: true });
      if (!next.again) throw contended(this.#key);
      await sleep(next.delayMs);
    }
  }
}

const unchanged: LedgerChange = (record) => record;

function presentOf({ value, version }: Seen<QuotaRecord>): QuotaRecord {
  if (value) return value;
  const record = newQuotaRecord(Date.now());
  return version === undefined ? record : { ...record, isUncounted: true };
}

function applied(
  before: QuotaRecord,
  changes: readonly LedgerChange[],
): { readonly after: QuotaRecord; readonly outcomes: readonly LedgerOutcome[] } {
  let after = before;
  const outcomes = changes.map((change): LedgerOutcome => {
    const changed = change(after);
    const outcome = { isDone: changed !== undefined, before: after, after: changed ?? after };
    after = outcome.after;
    return outcome;
  });
  return { after, outcomes };
}

function contended(key: string): OciError {
  return new OciError('STORAGE_FAILED', `${key} is changed by others all the time`, {
    retryable: true,
  });
}
