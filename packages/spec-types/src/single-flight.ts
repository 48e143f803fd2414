import { abortError, throwIfAborted } from './error.js';

interface Flight<T> {
  readonly result: Promise<T>;
  readonly stop: AbortController;
  waiting: number;
}

/** Work that is done once for all who ask for the same key at the same time. */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Flight<T>>();

  /**
   * Joins the work for a key, or begins it. It is aborted when everybody who asked has gone.
   *
   * @throws OciError `ABORTED` for the caller whose signal fires; the others go on
   */
  async do(
    key: string,
    work: (signal: AbortSignal) => Promise<T>,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<T> {
    const { signal } = options;
    throwIfAborted(signal);
    const flight = this.#flights.get(key) ?? this.#begin(key, work);
    flight.waiting += 1;
    let leave = (): void => {};
    const left = new Promise<never>((_, reject) => {
      leave = () => signal && reject(abortError(signal));
    });
    signal?.addEventListener('abort', leave, { once: true });
    try {
      return await (signal ? Promise.race([flight.result, left]) : flight.result);
    } finally {
      signal?.removeEventListener('abort', leave);
      flight.waiting -= 1;
      if (flight.waiting === 0) {
        // Whoever asks from now on must not join what is being given up.
        if (this.#flights.get(key) === flight) this.#flights.delete(key);
        flight.stop.abort();
      }
    }
  }

  #begin(key: string, work: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const stop = new AbortController();
    const result = work(stop.signal);
    const flight: Flight<T> = { result, stop, waiting: 0 };
    this.#flights.set(key, flight);
    const end = (): void => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    };
    result.then(end, end);
    return flight;
  }
}

/** Returns a function that does the work once, for all who call it; after a failure the next call does it anew. */
export function onceDone<T>(work: () => Promise<T>): () => Promise<T> {
  let done: Promise<T> | undefined;
  return () =>
    (done ??= work().catch((error: unknown) => {
      done = undefined;
      throw error;
    }));
}
