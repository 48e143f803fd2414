import { eitherSignal } from '../transport/own-signal.js';

/** Work that is done by several at once; when one fails the others are stopped. */
export class WorkerGroup {
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();
  readonly signal: AbortSignal;
  #failure: { readonly error: unknown } | undefined;

  constructor(signal: AbortSignal | undefined) {
    this.signal = eitherSignal(signal, this.#stop.signal);
  }

  get count(): number {
    return this.#running.size;
  }

  start(work: () => Promise<void>): void {
    const run = work()
      .catch((error: unknown) => {
        this.#failure ??= { error };
        this.#stop.abort();
      })
      .finally(() => this.#running.delete(run));
    this.#running.add(run);
  }

  /** Waits until none works any more. @throws the first failure */
  async ended(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    if (this.#failure) throw this.#failure.error;
  }
}
