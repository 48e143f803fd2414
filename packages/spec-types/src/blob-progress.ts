import { type Annotations, annotations } from './annotation.js';
import type { Digest } from './digest.js';
import type { EventListener, TransferEvent } from './operation.js';

/** What tells of progress needs of a descriptor. */
interface Moved {
  readonly digest: Digest;
  readonly size: number;
  readonly annotations?: Annotations | undefined;
}

const intervalMs = 250;
/** A blob that comes fast is told of this often. */
const parts = 32;

/**
 * Tells of one blob on its way: `start`, `bytes`, `done`. Bytes are told of four times a second and with each 32nd
 * part of the blob at most, and always with the last.
 */
export class BlobProgress {
  readonly #blob: Moved;
  readonly #onEvent: EventListener | undefined;
  readonly #now: () => number;
  #told = 0;
  #toldAt = Number.NEGATIVE_INFINITY;

  /** @param now milliseconds of a clock that only goes forward */
  constructor(
    blob: Moved,
    onEvent: EventListener | undefined,
    now: () => number = () => performance.now(),
  ) {
    this.#blob = blob;
    this.#onEvent = onEvent;
    this.#now = now;
  }

  start(): void {
    const { digest, size } = this.#blob;
    const title = this.#blob.annotations?.[annotations.title];
    this.#onEvent?.({ type: 'start', digest, size, ...(title !== undefined && { title }) });
  }

  /** @param done bytes in all; fewer than before tell nothing */
  moved(done: number): void {
    const { size } = this.#blob;
    if (!this.#onEvent || done <= this.#told) return;
    const now = this.#now();
    const isPart = done - this.#told >= size / parts;
    if (done < size && !isPart && now - this.#toldAt < intervalMs) return;
    this.#toldAt = now;
    this.#tell(done);
  }

  done(): void {
    const { digest, size } = this.#blob;
    if (this.#told < size) this.#tell(size);
    this.#onEvent?.({ type: 'done', digest, size });
  }

  /** Returns a listener for the call that moves the bytes: it takes over its progress, and passes on the rest. */
  below(): EventListener | undefined {
    const rest = withoutProgress(this.#onEvent);
    return rest && ((event) => (event.type === 'bytes' ? this.moved(event.done) : rest(event)));
  }

  /** Passes bytes on, and tells of them from the first to the end. */
  async *through(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    this.start();
    yield* this.of(bytes);
    this.done();
  }

  /** Passes bytes on, and tells how many. */
  async *of(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    let done = 0;
    for await (const chunk of bytes) {
      done += chunk.byteLength;
      this.moved(done);
      yield chunk;
    }
  }

  #tell(done: number): void {
    const { digest, size } = this.#blob;
    this.#told = done;
    this.#onEvent?.({ type: 'bytes', digest, done, size });
  }
}

const progressTypes: ReadonlySet<TransferEvent['type']> = new Set([
  'start',
  'bytes',
  'cached',
  'done',
]);

/** Returns a listener for calls below one that tells of their progress itself. */
export function withoutProgress(onEvent: EventListener | undefined): EventListener | undefined {
  return onEvent && ((event) => void (progressTypes.has(event.type) || onEvent(event)));
}
