import type { Digest } from '@oci/spec-types';

import type { ContentCheck } from './content-check.js';

/** Reports that wait; a verification finds what there is no room for. */
const mostWaiting = 1000;

/**
 * Takes reports of content that was found corrupt while it was served, looks at it again, one after the other, and
 * so makes known to all processes what this one found.
 */
export class CorruptionReports {
  readonly #check: ContentCheck;
  readonly #onChecked: (data: string) => void;
  readonly #waiting = new Map<Digest, string>();
  readonly #ending = new AbortController();
  #running: Promise<void> | undefined;

  /** @param onChecked hears of data of which the record of the content says now what it is worth */
  constructor(check: ContentCheck, onChecked: (data: string) => void) {
    this.#check = check;
    this.#onChecked = onChecked;
  }

  add(digest: Digest, data: string): void {
    if (this.#ending.signal.aborted || this.#waiting.size >= mostWaiting) return;
    this.#waiting.set(digest, data);
    this.#running ??= this.#run();
  }

  /** Settles when all that was reported has been looked at. */
  async settled(): Promise<void> {
    await this.#running;
  }

  /** Gives up what waits; nothing is written behind it. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    for (const [digest, data] of this.#waiting) {
      if (signal.aborted) break;
      this.#waiting.delete(digest);
      try {
        await this.#check.run(digest, { signal });
        this.#onChecked(data);
      } catch {
        // This process goes on to take the copy for corrupt; others find out themselves.
      }
    }
    this.#running = undefined;
  }
}
