import { isOciError } from '@oci/spec-types';

import { hasPassed } from '../interval.js';
import { Task, type TaskLease, type TaskTimes } from '../task-record.js';
import { RetentionPass, type RetentionParts } from './retention.js';
import {
  type Removal,
  type RetentionCall,
  type RetentionReport,
  RetentionTally,
} from './retention-report.js';
import type { RetentionRule } from './retention-rule.js';

/** What the record of retention keeps. */
interface RetentionState {
  readonly last?: RetentionReport;
  readonly lastDryRun?: RetentionReport;
  /** Since when it is known that pulls are counted, in milliseconds since the epoch. */
  readonly countedSince?: number;
}

export interface RetentionStatus {
  /** Milliseconds since the epoch; undefined while none runs. */
  readonly runningSince: number | undefined;
  readonly last?: RetentionReport;
  readonly lastDryRun?: RetentionReport;
}

/** Who hears of a run while it goes on. */
export interface RetentionListener {
  readonly onRemoval?: ((removal: Removal) => void) | undefined;
  /** Hears of a run that ended, however it did. */
  readonly onEnd?: ((report: RetentionReport) => void) | undefined;
}

/** Removals that the record of retention keeps of a run. */
const mostKeptRemovals = 100;

/** The rules for tags and manifests of a storage, of which one run is at a time, whatever processes share it. */
export class HostedRetention {
  readonly #parts: RetentionParts;
  readonly #rules: () => readonly RetentionRule[];
  readonly #task: Task<RetentionState>;

  constructor(parts: RetentionParts, rules: () => readonly RetentionRule[], times?: TaskTimes) {
    this.#parts = parts;
    this.#rules = rules;
    this.#task = new Task(parts.records, 'retention', times);
  }

  /**
   * @returns undefined when another run goes on, in this process or another one
   * @throws OciError `ABORTED`, `STORAGE_…`
   */
  run(
    { dryRun = false, signal, now = Date.now() }: RetentionCall & { readonly now?: number } = {},
    listener: RetentionListener = {},
  ): Promise<RetentionReport | undefined> {
    const run = async (lease: TaskLease<RetentionState>): Promise<RetentionReport> => {
      const { countedSince = now } = lease.state ?? {};
      const tally = new RetentionTally(listener.onRemoval);
      const rules = this.#rules();
      const call = { dryRun, signal: lease.signal, now, rules, countedSince, tally };
      const end = async (result: RetentionReport['result']): Promise<RetentionReport> => {
        const report = tally.report(dryRun, result);
        listener.onEnd?.(report);
        const kept = { ...report, removals: report.removals.slice(0, mostKeptRemovals) };
        const ended = { [dryRun ? 'lastDryRun' : 'last']: kept };
        await lease.save({ ...lease.state, countedSince, ...ended });
        return report;
      };
      try {
        await new RetentionPass(this.#parts, call).run();
      } catch (error) {
        await end(isOciError(error, 'ABORTED') ? 'interrupted' : 'failed').catch(() => {});
        throw error;
      }
      return end('done');
    };
    return this.#task.run(run, { signal });
  }

  /** Tells whether a run is due: none has ended within the interval. */
  async isDue(intervalMs: number, now?: number): Promise<boolean> {
    const { last } = await this.status();
    if (!last || last.result === 'interrupted') return true;
    return hasPassed(last.endedAt, intervalMs, now);
  }

  async status(): Promise<RetentionStatus> {
    const { runningSince, state: { last, lastDryRun } = {} } = await this.#task.status();
    return { runningSince, ...(last && { last }), ...(lastDryRun && { lastDryRun }) };
  }
}
