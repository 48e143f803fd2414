/** A wait that can be ended early. */
export class Pause {
  #end: (() => void) | undefined;
  #isWoken = false;

  /** Waits, unless it was woken since the last wait. @param ms without end when it is absent */
  async wait(ms: number | undefined, signal: AbortSignal): Promise<void> {
    if (this.#isWoken || signal.aborted) {
      this.#isWoken = false;
      return;
    }
    await new Promise<void>((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(() => this.#end?.(), ms);
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        this.#end = undefined;
        resolve();
      };
      this.#end = end;
      signal.addEventListener('abort', end);
    });
    this.#isWoken = false;
  }

  wake(): void {
    this.#isWoken = true;
    this.#end?.();
  }
}
