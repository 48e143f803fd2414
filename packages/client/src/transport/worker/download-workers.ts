import { SHARE_ENV, Worker } from 'node:worker_threads';

import type { FromWorker, ToWorker } from './messages.js';
import { workerFile } from './worker-file.js';

/** A worker that has nothing to do is ended after this, in milliseconds. */
const idleMs = 10_000;

/** Hears of one request or hash; `lost` is the last that is heard when the worker ended. */
export type WorkerListener = (message: FromWorker | { readonly type: 'lost' }) => void;

type Unnamed<M> = M extends ToWorker ? Omit<M, 'id'> : never;

/** One download worker, as the main thread sees it. */
export class DownloadWorker {
  readonly #worker: Worker;
  readonly #listeners = new Map<number, WorkerListener>();
  readonly #onEnd: (hasFailed: boolean) => void;
  #nextId = 1;
  #isLost = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(file: URL, onEnd: (hasFailed: boolean) => void) {
    this.#onEnd = onEnd;
    this.#worker = new Worker(file, { env: SHARE_ENV, execArgv: [], name: 'oci-download' });
    this.#worker.unref();
    this.#worker.on('message', (message: FromWorker) => this.#listeners.get(message.id)?.(message));
    this.#worker.on('messageerror', () => void this.#worker.terminate());
    this.#worker.on('error', () => this.#lose(true));
    this.#worker.on('exit', () => this.#lose(this.#listeners.size > 0));
  }

  /** Requests and hashes that it has. */
  get load(): number {
    return this.#listeners.size;
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  /** Begins to look. @returns the share of its time, 0 to 1, for which the worker was busy since */
  watch(): () => number {
    const { performance } = this.#worker;
    const begun = performance.eventLoopUtilization();
    return () => performance.eventLoopUtilization(begun).utilization;
  }

  /** Begins to hear. @returns a name for messages @throws when the worker has ended */
  listen(listener: WorkerListener): number {
    if (this.#isLost) throw new Error('the worker has ended');
    const id = this.#nextId;
    this.#nextId += 1;
    if (this.#listeners.size === 0) this.#worker.ref();
    clearTimeout(this.#timer);
    this.#listeners.set(id, listener);
    return id;
  }

  unlisten(id: number): void {
    if (!this.#listeners.delete(id) || this.#listeners.size > 0) return;
    // What has nothing to do keeps no process alive.
    this.#worker.unref();
    this.#timer = setTimeout(() => void this.#worker.terminate(), idleMs).unref();
  }

  post(id: number, message: Unnamed<ToWorker>): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port has no origin
    if (!this.#isLost) this.#worker.postMessage({ id, ...message });
  }

  async end(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#worker.terminate();
  }

  #lose(hasFailed: boolean): void {
    if (this.#isLost) return;
    this.#isLost = true;
    clearTimeout(this.#timer);
    this.#onEnd(hasFailed);
    const listeners = [...this.#listeners.values()];
    this.#listeners.clear();
    for (const listener of listeners) listener({ type: 'lost' });
  }
}

const running = new Set<DownloadWorker>();
let users = 0;
let hasFailed = false;

/** Notes a client that may take workers. @returns ends the workers, if it was the last */
export function useWorkers(): () => Promise<void> {
  users += 1;
  return async () => {
    users -= 1;
    if (users > 0) return;
    await Promise.all([...running].map((worker) => worker.end()));
    hasFailed = false;
  };
}

/**
 * The worker with the least to do, of all that the process has; a new one while each has something to do and there
 * are fewer than `most`. Undefined where there are none, and once one has failed, until the clients of then are closed.
 */
export function takeWorker(most: number): DownloadWorker | undefined {
  const file = hasFailed || most < 1 ? undefined : workerFile();
  if (!file) return undefined;
  const [least] = [...running].sort((a, b) => a.load - b.load);
  if (least && (least.load === 0 || running.size >= most)) return least;
  return startWorker(file);
}

/** Begins to look at all workers. @returns the largest share of its time, 0 to 1, for which one was busy since */
export function watchWorkers(): () => number {
  const shares = [...running].map((worker) => worker.watch());
  return () => Math.max(0, ...shares.map((share) => share()));
}

function startWorker(file: URL): DownloadWorker | undefined {
  try {
    const worker = new DownloadWorker(file, (failed) => {
      running.delete(worker);
      hasFailed ||= failed;
    });
    running.add(worker);
    return worker;
  } catch {
    hasFailed = true;
    return undefined;
  }
}
