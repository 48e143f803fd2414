import { checkedListener } from './checked-listener.js';
import type { Digest } from './digest.js';

/** What happens during a transfer. Bytes are cumulative for their blob. */
export type TransferEvent =
  | { readonly type: 'resolve'; readonly reference: string; readonly digest: Digest }
  | {
      readonly type: 'start';
      readonly digest: Digest;
      readonly size: number;
      readonly title?: string;
    }
  | {
      readonly type: 'bytes';
      readonly digest: Digest;
      readonly done: number;
      readonly size: number;
    }
  | { readonly type: 'resume'; readonly digest: Digest; readonly offset: number }
  | {
      readonly type: 'retry';
      /** `host[:port]` of who failed, where it is known. */
      readonly host?: string;
      readonly attempt: number;
      readonly delayMs: number;
      readonly reason: string;
    }
  | {
      readonly type: 'wait';
      /** Who asked to be left alone. */
      readonly host: string;
      readonly delayMs: number;
      /** Milliseconds since 1970, UTC. */
      readonly until: number;
      readonly reason: string;
    }
  | {
      readonly type: 'mirror';
      readonly host: string;
      /** Whether its answer is used; otherwise the next is asked, because of `reason`. */
      readonly used: boolean;
      readonly reason?: string;
    }
  | { readonly type: 'verify'; readonly digest: Digest }
  | { readonly type: 'cached'; readonly digest: Digest; readonly size: number }
  /** Another call or process downloads the blob; its result is waited for. */
  | { readonly type: 'joined'; readonly digest: Digest; readonly size: number }
  /** A tag points elsewhere than when it was last asked for. */
  | {
      readonly type: 'moved';
      readonly reference: string;
      readonly from: Digest;
      readonly to: Digest;
    }
  /** The registry could not be asked, so what was resolved `ageMs` ago is used. */
  | {
      readonly type: 'stale';
      readonly reference: string;
      readonly ageMs: number;
      readonly reason: string;
    }
  /** Cached content was not what its digest says; it was set aside, and is fetched again. */
  | { readonly type: 'damaged'; readonly digest: Digest; readonly movedTo: string }
  /** A version that was passed over in the choice of the newest, because it is something else. */
  | { readonly type: 'skipped'; readonly reference: string; readonly reason: string }
  | { readonly type: 'done'; readonly digest: Digest; readonly size: number }
  | { readonly type: 'warning'; readonly message: string };

export type EventListener<E = TransferEvent> = (event: E) => void;

/**
 * Long work: a promise of its result and an async iterable of what happens on the way. It runs
 * whether or not anybody iterates; events from before an iteration began are not kept. A failure that
 * nobody waits for does not end the process.
 */
export class Operation<T, E = TransferEvent> extends Promise<T> implements AsyncIterable<E> {
  /** What `then`, `catch` and `finally` give has no events of its own. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  readonly #listeners: Set<EventListener<E>>;

  /** Begins `work` in the next microtask, so that whoever made the operation can listen first. */
  constructor(work: (emit: EventListener<E>) => Promise<T>) {
    const listeners = new Set<EventListener<E>>();
    const emit = checkedListener((event: E): void => {
      for (const listener of listeners) listener(event);
    });
    super(
      (resolve, reject) =>
        void Promise.resolve()
          .then(() => work(emit))
          .then(resolve, reject),
    );
    this.#listeners = listeners;
    this.catch(() => {});
  }

  override get [Symbol.toStringTag](): string {
    return 'Operation';
  }

  /**
   * Calls the listener for every event from now on; its exception ends the work ({@link checkedListener}).
   *
   * @returns a function that ends it
   */
  on(listener: EventListener<E>): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<E, void, undefined> {
    let queue: E[] = [];
    let finished = false;
    let wake = (): void => {};
    const end = this.on((event) => {
      queue.push(event);
      wake();
    });
    const settle = (): void => {
      finished = true;
      wake();
    };
    this.then(settle, settle);
    try {
      while (true) {
        const events = queue;
        queue = [];
        yield* events;
        if (queue.length > 0) continue;
        if (finished) break;
        await new Promise<void>((resolve) => (wake = resolve));
      }
      await this;
    } finally {
      end();
    }
  }
}
