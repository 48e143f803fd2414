import { asOciError, throwIfAborted } from '@oci/spec-types';

/** One call for all who wait for its result; it is aborted when none of them waits any longer. */
export class SharedCall<T> {
  readonly result: Promise<T>;
  readonly #end = new AbortController();
  #waiting = 0;
  #isSettled = false;

  constructor(call: (signal: AbortSignal) => Promise<T>) {
    this.result = call(this.#end.signal).finally(() => (this.#isSettled = true));
  }

  /** Whoever comes now has to make a call of their own. */
  get isAborted(): boolean {
    return this.#end.signal.aborted;
  }

  /** @throws OciError `ABORTED` as soon as the signal fires */
  async answer(signal: AbortSignal | undefined): Promise<T> {
    throwIfAborted(signal);
    this.#waiting += 1;
    let abort = (): void => {};
    const aborted = new Promise<never>((_resolve, reject) => {
      abort = () => reject(asOciError(signal?.reason));
    });
    signal?.addEventListener('abort', abort);
    try {
      return await Promise.race([this.result, aborted]);
    } finally {
      signal?.removeEventListener('abort', abort);
      this.#waiting -= 1;
      if (this.#waiting === 0 && !this.#isSettled) this.#end.abort();
    }
  }
}
