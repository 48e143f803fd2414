import { randomUUID } from 'node:crypto';

import { OciError, type TransferEvent, asOciError, totalSize } from '@oci/spec-types';

import { errorJson } from '../api/failure.js';
import type { InstallJson } from '../api/json/extension-json.js';
import type { JobJson } from '../api/json/job-json.js';
import type { ServedPullJson } from '../api/json/pull-json.js';
import type { RetentionJson } from '../api/json/retention-json.js';
import type { CollectionJson } from '../api/json/storage-json.js';
import type { VerificationPassJson } from '../api/json/verification-json.js';
import { tooMany } from '../http/refusal.js';

/** What a job gives when it is done. */
export type JobResult =
  | { readonly pull: ServedPullJson }
  | { readonly install: InstallJson }
  | { readonly collection: CollectionJson }
  | { readonly verification: VerificationPassJson }
  | { readonly retention: RetentionJson };

export interface JobWork {
  readonly kind: JobJson['kind'];
  /** The identity of the caller. */
  readonly owner: string;
  readonly run: (parts: {
    readonly signal: AbortSignal;
    readonly onEvent: (event: TransferEvent) => void;
  }) => Promise<JobResult>;
}

export type JobListener = (event: TransferEvent | 'end') => void;

interface Job {
  readonly owner: string;
  readonly work: JobWork;
  readonly stop: AbortController;
  readonly listeners: Set<JobListener>;
  readonly progress: Map<string, { done: number; size: number }>;
  json: JobJson;
}

/** Jobs of all callers, and of one, that run at once, that wait, and that are remembered after their end. */
const limits = {
  all: { running: 8, waiting: 1000, ended: 2000 },
  each: { running: 4, waiting: 100, ended: 500 },
};

/**
 * Long work that callers do not wait for: begun in order, watched, cancelled. One caller gets no more than a
 * share of the room, and callers who wait take turns.
 */
export class JobQueue {
  readonly #jobs = new Map<string, Job>();
  readonly #waiting: Job[] = [];
  readonly #running = new Map<string, number>();
  #closing = false;

  get counts(): { readonly queued: number; readonly running: number } {
    return { queued: this.#waiting.length, running: sum(this.#running.values()) };
  }

  /** @throws Refusal 429 when too many wait */
  start(work: JobWork): JobJson {
    const own = this.#waiting.filter(({ owner }) => owner === work.owner);
    if (own.length >= limits.each.waiting) throw tooMany('too many jobs of yours wait', 10);
    if (this.#closing || this.#waiting.length >= limits.all.waiting)
      throw tooMany('too many jobs wait', 10);
    const job: Job = {
      owner: work.owner,
      work,
      stop: new AbortController(),
      listeners: new Set(),
      progress: new Map(),
      json: newJob(work.kind),
    };
    this.#jobs.set(job.json.id, job);
    this.#waiting.push(job);
    this.#forget();
    this.#next();
    return job.json;
  }

  get(id: string): { readonly owner: string; readonly json: JobJson } | undefined {
    return this.#jobs.get(id);
  }

  /** Newest first. */
  list(isShown: (owner: string) => boolean): readonly JobJson[] {
    return [...this.#jobs.values()]
      .filter(({ owner }) => isShown(owner))
      .map(({ json }) => json)
      .reverse();
  }

  /** Ends a job that waits or runs; nothing half-written stays. */
  async cancel(id: string): Promise<JobJson | undefined> {
    const job = this.#jobs.get(id);
    if (!job) return undefined;
    const waiting = this.#waiting.indexOf(job);
    if (waiting >= 0) {
      this.#waiting.splice(waiting, 1);
      this.#end(job, { state: 'cancelled' });
    } else if (job.json.state === 'running') {
      const ended = new Promise<void>((resolve) => {
        this.watch(id, (event) => event === 'end' && resolve());
      });
      job.stop.abort(new OciError('ABORTED', 'the job was cancelled'));
      await ended;
    }
    return job.json;
  }

  /** Tells what happens in a job from now on, and its end. @returns a function that stops it */
  watch(id: string, listener: JobListener): () => void {
    const job = this.#jobs.get(id);
    job?.listeners.add(listener);
    return () => void job?.listeners.delete(listener);
  }

  /** Cancels everything. */
  async close(): Promise<void> {
    this.#closing = true;
    const open = [...this.#jobs.values()].filter(({ json }) => json.finished_at === null);
    await Promise.all(open.map(({ json }) => this.cancel(json.id)));
  }

  #next(): void {
    while (sum(this.#running.values()) < limits.all.running) {
      const job = this.#takeNext();
      if (!job) return;
      this.#count(job.owner, 1);
      void this.#run(job);
    }
  }

  /** The oldest job of the caller who has the fewest running. */
  #takeNext(): Job | undefined {
    const runningOf = ({ owner }: Job): number => this.#running.get(owner) ?? 0;
    let next: Job | undefined;
    for (const job of this.#waiting) {
      if (runningOf(job) >= limits.each.running) continue;
      if (!next || runningOf(job) < runningOf(next)) next = job;
    }
    if (next) this.#waiting.splice(this.#waiting.indexOf(next), 1);
    return next;
  }

  #count(owner: string, change: 1 | -1): void {
    const count = (this.#running.get(owner) ?? 0) + change;
    if (count > 0) this.#running.set(owner, count);
    else this.#running.delete(owner);
  }

  async #run(job: Job): Promise<void> {
    job.json = { ...job.json, state: 'running' };
    try {
      const onEvent = (event: TransferEvent): void => this.#heard(job, event);
      const result = await job.work.run({ signal: job.stop.signal, onEvent });
      this.#count(job.owner, -1);
      this.#end(job, { state: 'done', ...result });
    } catch (thrown) {
      this.#count(job.owner, -1);
      const error = asOciError(thrown);
      const state = job.stop.signal.aborted ? 'cancelled' : 'failed';
      this.#end(job, { state, error: errorJson(error) });
    }
    this.#next();
  }

  #heard(job: Job, event: TransferEvent): void {
    if (event.type === 'bytes' || event.type === 'start') {
      const done = event.type === 'bytes' ? event.done : 0;
      job.progress.set(event.digest, { done, size: event.size });
      const all = [...job.progress.values()];
      const bytes_done = all.reduce((sum, blob) => sum + blob.done, 0);
      const bytes_total = totalSize(all);
      job.json = { ...job.json, bytes_done, bytes_total };
    }
    for (const listener of job.listeners) listener(event);
  }

  #end(job: Job, change: Partial<JobJson>): void {
    job.json = { ...job.json, ...change, finished_at: new Date().toISOString() };
    const listeners = [...job.listeners];
    job.listeners.clear();
    for (const listener of listeners) listener('end');
  }

  #forget(): void {
    const ended = [...this.#jobs.values()].filter(({ json }) => json.finished_at !== null);
    const left = new Map<string, number>();
    for (const { owner } of ended) left.set(owner, (left.get(owner) ?? 0) + 1);
    let inAll = ended.length;
    for (const { owner, json } of ended) {
      const own = left.get(owner) ?? 0;
      if (own <= limits.each.ended && inAll <= limits.all.ended) continue;
      left.set(owner, own - 1);
      inAll -= 1;
      this.#jobs.delete(json.id);
    }
  }
}

function sum(counts: Iterable<number>): number {
  return [...counts].reduce((all, count) => all + count, 0);
}

function newJob(kind: JobJson['kind']): JobJson {
  return {
    id: randomUUID(),
    kind,
    state: 'queued',
    created_at: new Date().toISOString(),
    finished_at: null,
    bytes_done: 0,
    bytes_total: 0,
    pull: null,
    install: null,
    collection: null,
    verification: null,
    retention: null,
    error: null,
  };
}
