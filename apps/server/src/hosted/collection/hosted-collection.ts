import { OciError } from '@oci/spec-types';

import { hasPassed } from '../interval.js';
import { Task, type TaskTimes } from '../task-record.js';
import { Collection, type CollectionOptions, type CollectionParts } from './collection.js';
import type { CollectionCall, CollectionReport } from './collection-report.js';

/** What the record of the collection keeps. */
interface CollectionState {
  readonly last?: CollectionReport;
  readonly lastDryRun?: CollectionReport;
  /** When the last one that was done ended: milliseconds since the epoch. */
  readonly lastDoneAt?: number;
}

export interface CollectionStatus extends CollectionState {
  /** Milliseconds since the epoch; undefined while none runs. */
  readonly runningSince: number | undefined;
}

/** The collection of a storage, of which one runs at a time, whatever processes share it. */
export class HostedCollection {
  readonly #parts: CollectionParts;
  readonly #options: CollectionOptions;
  readonly #task: Task<CollectionState>;

  constructor(parts: CollectionParts, options: CollectionOptions = {}, times?: TaskTimes) {
    this.#parts = parts;
    this.#options = options;
    this.#task = new Task(parts.records, 'collection', times);
  }

  /** One pass, whatever else runs. @throws OciError `ABORTED`, `STORAGE_…` */
  collect(call: CollectionCall & { readonly now?: number } = {}): Promise<CollectionReport> {
    return new Collection(this.#parts, this.#options, call).run();
  }

  /** As {@link tryRun}. @throws OciError `STORAGE_FAILED` when another one runs */
  async run(...args: Parameters<HostedCollection['tryRun']>): Promise<CollectionReport> {
    return (await this.tryRun(...args)) ?? anotherCollects();
  }

  /**
   * One pass that no other one runs beside, with a report that is kept.
   *
   * @param onEnd hears of a pass that ended, however it did
   * @returns undefined when another one runs, in this process or another one
   * @throws OciError as {@link collect}
   */
  tryRun(
    { dryRun = false, signal }: CollectionCall = {},
    onEnd: (report: CollectionReport) => void = () => {},
  ): Promise<CollectionReport | undefined> {
    return this.#task.run(
      async (lease) => {
        const call = { dryRun, signal: lease.signal };
        const collection = new Collection(this.#parts, this.#options, call);
        const end = async (result: CollectionReport['result']): Promise<CollectionReport> => {
          const ended = collection.tally.report(dryRun, result);
          onEnd(ended);
          await lease.save({ ...lease.state, ...stateOf(ended) });
          return ended;
        };
        try {
          await collection.run();
        } catch (error) {
          await end(lease.signal.aborted ? 'interrupted' : 'failed').catch(() => {});
          throw error;
        }
        return end('done');
      },
      { signal },
    );
  }

  async status(): Promise<CollectionStatus> {
    const { runningSince, state } = await this.#task.status();
    return { ...state, runningSince };
  }

  /** Tells whether a collection is due: none has ended within the interval. */
  async isDue(intervalMs: number, now?: number): Promise<boolean> {
    const { last } = await this.status();
    if (!last || last.result === 'interrupted') return true;
    return hasPassed(last.endedAt, intervalMs, now);
  }
}

/** @throws OciError `STORAGE_FAILED` */
export function anotherCollects(): never {
  throw new OciError('STORAGE_FAILED', 'another collection of this storage runs', {
    retryable: true,
    hint: 'Wait until it has ended: GET /api/v1/oci/storage tells.',
  });
}

function stateOf(report: CollectionReport): CollectionState {
  if (report.dryRun) return { lastDryRun: report };
  return { last: report, ...(report.result === 'done' && { lastDoneAt: report.endedAt }) };
}
