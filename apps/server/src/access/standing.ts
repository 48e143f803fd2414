import type { Access } from './access.js';
import type { Caller } from './caller.js';

/** `setTimeout` takes no more milliseconds. */
const maxTimerMs = 2 ** 31 - 1;

interface Watched {
  readonly caller: Caller;
  readonly isAllowed: () => boolean;
  readonly onEnd: () => void;
  timer: NodeJS.Timeout | undefined;
}

/** Callers who are served over a time, and how long they may be: until the credential or the rules end it. */
export class Standing {
  readonly #access: () => Access;
  readonly #watched = new Set<Watched>();

  constructor(access: () => Access) {
    this.#access = access;
  }

  /** Whether a credential that let a caller in would do so still. */
  holds(caller: Caller): boolean {
    return this.#endOf(caller) > Date.now();
  }

  /**
   * Calls `onEnd` when the caller's credential ends, or the rules allow it no longer.
   *
   * @returns a function that stops the watch
   */
  watch(caller: Caller, isAllowed: () => boolean, onEnd: () => void): () => void {
    const watched: Watched = { caller, isAllowed, onEnd, timer: undefined };
    this.#watched.add(watched);
    this.#arm(watched);
    return () => this.#stop(watched);
  }

  /** To be called when the rules or the credentials have changed. */
  check(): void {
    for (const watched of this.#watched) this.#checkOne(watched);
  }

  #endOf({ credential }: Caller): number {
    return credential === undefined ? Infinity : this.#access().endOf(credential);
  }

  #checkOne(watched: Watched): void {
    if (this.holds(watched.caller) && watched.isAllowed()) return this.#arm(watched);
    this.#stop(watched);
    watched.onEnd();
  }

  #arm(watched: Watched): void {
    clearTimeout(watched.timer);
    const end = this.#endOf(watched.caller);
    if (end === Infinity) return;
    const ms = Math.min(maxTimerMs, Math.max(0, end - Date.now()));
    watched.timer = setTimeout(() => this.#checkOne(watched), ms).unref();
  }

  #stop(watched: Watched): void {
    clearTimeout(watched.timer);
    this.#watched.delete(watched);
  }
}
