import { setImmediate } from 'node:timers/promises';

/** Milliseconds that nothing else of a process runs. */
const stretchMs = 10;

/** Lets others of this process run between pieces of synchronous work. */
export class Pace {
  #since = performance.now();

  get isDue(): boolean {
    return performance.now() - this.#since > stretchMs;
  }

  async rest(): Promise<void> {
    await setImmediate();
    this.#since = performance.now();
  }
}
