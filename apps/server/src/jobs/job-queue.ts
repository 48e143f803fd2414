import { randomUUID } from 'node:crypto';

import { OciError, type TransferEvent, asOciError } from '@oci/spec-types';
import {
  type InstallJson,
  type JobJson,
  type JobRequest,
  type ServedPullJson,
  errorJson,
} from '@oci/spec-types/api';

import { tooMany } from '../http/refusal.js';

/** What a job gives when it is done. */
export type JobResult = { readonly pull: ServedPullJson } | { readonly install: InstallJson };

export interface JobWork {
  readonly request: JobRequest;
  /** The subject of the caller. */
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

/** Jobs that run at once, that wait, and that are remembered after their end. */
const limits = { running: 4, waiting: 100, ended: 500 };

/** Long work that callers do not wait for: begun in order, watched, cancelled. */
export class JobQueue {
  readonly #jobs = new Map<string, Job>();
  readonly #waiting: Job[] = [];
  #running = 0;
  #closing = false;

  get counts(): { readonly queued: number; readonly running: number } {
    return { queued: this.#waiting.length, running: this.#running };
  }

  /** @throws Refusal 429 when too many wait */
  start(work: JobWork): JobJson {
    if (this.#closing || this.#waiting.length >= limits.waiting)
      throw tooMany('too many jobs wait', 10);
    const job: Job = {
      owner: work.owner,
      work,
      stop: new AbortController(),
      listeners: new Set(),
      progress: new Map(),
      json: newJob(work.request),
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
    while (this.#running < limits.running) {
      const job = this.#waiting.shift();
      if (!job) return;
      this.#running += 1;
      void this.#run(job);
    }
  }

  async #run(job: Job): Promise<void> {
    job.json = { ...job.json, state: 'running' };
    try {
      const onEvent = (event: TransferEvent): void => this.#heard(job, event);
      const result = await job.work.run({ signal: job.stop.signal, onEvent });
      this.#running -= 1;
      this.#end(job, { state: 'done', ...result });
    } catch (thrown) {
      this.#running -= 1;
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
      const bytes_total = all.reduce((sum, blob) => sum + blob.size, 0);
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
    const ended = [...this.#jobs].filter(([, { json }]) => json.finished_at !== null);
    for (const [id] of ended.slice(0, Math.max(0, ended.length - limits.ended)))
      this.#jobs.delete(id);
  }
}

function newJob(request: JobRequest): JobJson {
  return {
    id: randomUUID(),
    kind: request.kind,
    state: 'queued',
    created_at: new Date().toISOString(),
    finished_at: null,
    bytes_done: 0,
    bytes_total: 0,
    pull: null,
    install: null,
    error: null,
  };
}
