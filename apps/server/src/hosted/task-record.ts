import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { type CallOptions, OciError, throwIfAborted } from '@oci/spec-types';

import { type TaskName, keys } from './keys.js';
import type { Records, Seen } from './records.js';

/** A run that has begun and has not ended, or whose process died. */
interface TaskRun {
  readonly id: string;
  /** Grows while the process of the run lives. */
  readonly beat: number;
  /** Milliseconds since the epoch, by the clock of the machine that runs it. */
  readonly beganAt: number;
}

/** The content of `v2/tasks/<name>`. */
interface TaskRecord<State> {
  /** Runs that began since there is the record. */
  readonly runs: number;
  readonly run?: TaskRun;
  readonly state?: State;
}

export interface TaskStatus<State> {
  /** Runs that began since there is the record. */
  readonly runs: number;
  /** Milliseconds since the epoch, by the clock of the machine that runs it; undefined while nothing runs. */
  readonly runningSince: number | undefined;
  /** What the last run saved. */
  readonly state: State | undefined;
}

/** A task that this process runs, until {@link Task.run} ends. */
export interface TaskLease<State> {
  /** Fires when the caller's does, and when the task is not this process's any more. */
  readonly signal: AbortSignal;
  /** What this run saved last, or the one before it. */
  readonly state: State | undefined;
  /** @throws OciError `ABORTED` when another process runs the task now */
  save(state: State): Promise<void>;
}

export interface TaskTimes {
  /** Milliseconds between two signs of life. Default 10 s. */
  readonly beatMs: number;
  /** Signs of life that have to be missing until a run counts as dead. Default 6. */
  readonly missed: number;
}

const defaultTimes: TaskTimes = { beatMs: 10_000, missed: 6 };

/**
 * A task on the storage that one process runs at a time. While it runs, a counter in its record grows. Who finds a
 * record of a run watches the counter: when it stands still, the process has died, and its run is taken over. So no
 * clock of one machine is compared with that of another. A process that was only stopped finds at its next write that
 * the record is not its own any more; what it does until then has to be harmless beside the new run.
 */
export class Task<State extends object> {
  readonly #records: Records;
  readonly #key: string;
  readonly #times: TaskTimes;
  #isRunning = false;

  constructor(records: Records, name: TaskName, times: TaskTimes = defaultTimes) {
    this.#records = records;
    this.#key = keys.task(name);
    this.#times = times;
  }

  async status(): Promise<TaskStatus<State>> {
    const record = await this.#records.get<TaskRecord<State>>(this.#key);
    return {
      runs: record?.runs ?? 0,
      runningSince: record?.run?.beganAt,
      state: record?.state,
    };
  }

  /**
   * Runs work while no other process does. Where a record says that another one does, it takes up to `beatMs` to see
   * that it lives, and `beatMs * missed` to see that it does not.
   *
   * @returns undefined when another call or process runs the task
   * @throws OciError `ABORTED`, and as `work` does
   */
  async run<T>(
    work: (lease: TaskLease<State>) => Promise<T>,
    { signal }: CallOptions = {},
  ): Promise<T | undefined> {
    if (this.#isRunning) return undefined;
    this.#isRunning = true;
    try {
      const seen = await this.#begin(signal);
      if (!seen) return undefined;
      const lease = new Lease(this.#records, { key: this.#key, seen, times: this.#times, signal });
      try {
        return await work(lease);
      } finally {
        await lease.end();
      }
    } finally {
      this.#isRunning = false;
    }
  }

  /** @returns the record that says that this process runs the task; undefined when another one does */
  async #begin(signal: AbortSignal | undefined): Promise<Seen<TaskRecord<State>> | undefined> {
    for (;;) {
      throwIfAborted(signal);
      const seen = await this.#records.see<TaskRecord<State>>(this.#key);
      if (seen.value?.run && (await this.#lives(seen, signal))) return undefined;
      const { runs = 0, state } = seen.value ?? {};
      const run = { id: randomUUID(), beat: 0, beganAt: Date.now() };
      const record = { runs: runs + 1, run, ...(state && { state }) };
      // Fails when it ended while it was watched, or another one has taken it over.
      const begun = await this.#records.write<TaskRecord<State>>(this.#key, record, seen);
      if (begun) return begun;
    }
  }

  /** Tells whether a run that was seen goes on; counts looks, not time, as this process may be stopped as well. */
  async #lives(seen: Seen<TaskRecord<State>>, signal: AbortSignal | undefined): Promise<boolean> {
    const { beatMs, missed } = this.#times;
    for (let looks = 0; looks < 2 * missed; looks += 1) {
      await sleep(beatMs / 2, undefined, { signal }).catch(() => throwIfAborted(signal));
      const now = await this.#records.see<TaskRecord<State>>(this.#key);
      if (now.version !== seen.version) return now.value?.run !== undefined;
    }
    return false;
  }
}

class Lease<State extends object> implements TaskLease<State> {
  readonly signal: AbortSignal;
  readonly #records: Records;
  readonly #key: string;
  readonly #times: TaskTimes;
  readonly #lost = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #seen: Seen<TaskRecord<State>>;
  #writtenAt = performance.now();
  #turn: Promise<void> = Promise.resolve();

  constructor(
    records: Records,
    {
      key,
      seen,
      times,
      signal,
    }: {
      readonly key: string;
      readonly seen: Seen<TaskRecord<State>>;
      readonly times: TaskTimes;
      readonly signal: AbortSignal | undefined;
    },
  ) {
    this.#records = records;
    this.#key = key;
    this.#seen = seen;
    this.#times = times;
    this.signal = signal ? AbortSignal.any([signal, this.#lost.signal]) : this.#lost.signal;
    this.#timer = setInterval(() => void this.#beat(), times.beatMs);
  }

  get state(): State | undefined {
    return this.#seen.value?.state;
  }

  async save(state: State): Promise<void> {
    await this.#write((record) => ({ ...record, state, run: next(record.run) }));
    if (this.#lost.signal.aborted) throw this.#lost.signal.reason;
  }

  /** Says that nothing runs, unless another process has taken the task over. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    // A record that cannot be written is that of a process that died: the next run takes it over.
    await this.#write(({ runs, state }) => ({ runs, ...(state && { state }) })).catch(() => {});
  }

  async #beat(): Promise<void> {
    const { beatMs, missed } = this.#times;
    try {
      await this.#write((record) => ({ ...record, run: next(record.run) }));
    } catch {
      // Others may take it over soon: it ends before they do.
      if (performance.now() - this.#writtenAt > beatMs * (missed - 2)) this.#lose();
    }
  }

  /** Writes one change behind the other, each in the version that the last one made. */
  #write(change: (record: TaskRecord<State>) => TaskRecord<State>): Promise<void> {
    const write = async (): Promise<void> => {
      if (this.#lost.signal.aborted || !this.#seen.value) return;
      const written = await this.#records.write(this.#key, change(this.#seen.value), this.#seen);
      if (!written) return this.#lose();
      this.#seen = written;
      this.#writtenAt = performance.now();
    };
    const written = this.#turn.then(write);
    this.#turn = written.catch(() => {});
    return written;
  }

  #lose(): void {
    clearInterval(this.#timer);
    this.#lost.abort(new OciError('ABORTED', 'another process has taken the task over'));
  }
}

function next(run: TaskRun | undefined): TaskRun {
  return { id: '', beganAt: Date.now(), ...run, beat: (run?.beat ?? 0) + 1 };
}
