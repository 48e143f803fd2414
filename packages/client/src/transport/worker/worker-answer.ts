import { abortError } from '@oci/spec-types';
import { storageFailure } from '@oci/files';

import type { RegistryRequest, RegistryResponse, ResponseBody, Sized } from '../exchange.js';
import type { FilePlace, PlaceWorker } from './file-place.js';
import type { FromWorker, WorkerError, WorkerRequest } from './messages.js';

type Head = Pick<RegistryResponse, 'status' | 'headers' | 'body'>;

interface AnswerParts extends PlaceWorker {
  readonly into: FilePlace;
  readonly request: Pick<RegistryRequest, 'signal'>;
}

/** One request that a worker sends, and its answer. */
export class WorkerAnswer {
  readonly #parts: AnswerParts;
  readonly #onAbort = (): void => {
    const { signal } = this.#parts.request;
    this.fail(signal && abortError(signal));
  };
  #id = 0;
  #position: number;
  #isReceiving = false;
  /** The failure that is told instead of the worker's. */
  #failure: unknown;
  #end: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;
  #onHead: ((head: Head | undefined) => void) | undefined;
  #onCut: (() => void) | undefined;
  #cutEnd: number;
  #onEnd: () => void = () => {};

  constructor(parts: AnswerParts) {
    this.#parts = parts;
    this.#position = parts.into.position;
    this.#cutEnd = parts.into.end;
  }

  /** Sends the request. @returns undefined for an answer that workers don't read */
  async ask(request: WorkerRequest, onEnd: () => void): Promise<Head | undefined> {
    const { worker, request: given } = this.#parts;
    this.#onEnd = onEnd;
    this.#id = worker.listen((message) => this.#hear(message));
    given.signal?.addEventListener('abort', this.#onAbort, { once: true });
    worker.post(this.#id, { type: 'request', request });
    const head = await new Promise<Head | undefined>((resolve) => {
      this.#onHead = resolve;
      this.#wake = () => resolve(undefined);
    });
    this.#wake = undefined;
    if (this.#end?.error !== undefined) throw this.#end.error;
    return head;
  }

  /** Ends the connection; what waits for it fails with `failure`. */
  fail(failure: unknown): void {
    if (this.#end) return;
    this.#failure ??= failure;
    this.#parts.worker.post(this.#id, { type: 'abort' });
    // While nothing is written nobody has to wait for the worker.
    if (!this.#isReceiving) this.#over(this.#failure);
  }

  #hear(message: FromWorker | { readonly type: 'lost' }): void {
    switch (message.type) {
      case 'head':
        return this.#hearHead(message);
      case 'progress':
        this.#position = message.position;
        return this.#wake?.();
      case 'cut':
        this.#cutEnd = message.end;
        return this.#onCut?.();
      case 'end':
        if (this.#isReceiving) this.#position = message.position;
        return this.#over(this.#failure ?? (message.error && this.#errorOf(message.error)));
      case 'lost':
        // Before the head another HTTP client can still do it all.
        return this.#over(this.#isReceiving ? new Error('a download worker ended') : undefined);
      default:
        return this.#over(undefined);
    }
  }

  #hearHead({ status, headers, body }: Extract<FromWorker, { type: 'head' }>): void {
    const head = { status, headers, body: body ? smallBody(body) : this.#body() };
    this.#onHead?.(head);
    if (body) this.#over(undefined);
  }

  /** Nothing comes any more, and nothing is written. */
  #over(error: unknown): void {
    if (this.#end) return;
    this.#end = { error };
    const { worker, request } = this.#parts;
    worker.unlisten(this.#id);
    request.signal?.removeEventListener('abort', this.#onAbort);
    this.#onEnd();
    this.#wake?.();
    this.#onCut?.();
  }

  #errorOf({ isStorage, ...error }: WorkerError): unknown {
    const { path, position, end } = this.#parts.into;
    const cause = Object.assign(new Error(error.message), error);
    return isStorage ? storageFailure(cause, { path, neededBytes: end - position }) : cause;
  }

  #body(): ResponseBody {
    const giveUp = (): void => this.fail(new Error('the body was given up'));
    const chunks = (): AsyncGenerator<Sized, void, undefined> => this.#chunks();
    return {
      async *[Symbol.asyncIterator]() {
        giveUp();
        yield* [];
      },
      dump: async () => giveUp(),
      destroy: giveUp,
      written: { [Symbol.asyncIterator]: chunks, cut: (end) => this.#cut(end) },
    };
  }

  async *#chunks(): AsyncGenerator<Sized, void, undefined> {
    let told = this.#position;
    this.#receive();
    try {
      for (;;) {
        const byteLength = this.#position - told;
        told = this.#position;
        if (byteLength > 0) yield { byteLength };
        else if (!this.#end) await new Promise<void>((resolve) => (this.#wake = resolve));
        else if (this.#end.error === undefined) return;
        else throw this.#end.error;
      }
    } finally {
      // Whoever closes the file waits for this.
      if (!this.#end) this.fail(new Error('the body was given up'));
      while (!this.#end) await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #receive(): void {
    if (this.#end) return;
    this.#isReceiving = true;
    const { worker, hash, into } = this.#parts;
    const { file, journal, position, end } = into;
    worker.post(this.#id, { type: 'receive', place: { file, journal, hash, position, end } });
  }

  async #cut(end: number): Promise<number> {
    if (this.#end || !this.#isReceiving) return this.#cutEnd;
    const { worker } = this.#parts;
    const heard = new Promise<void>((resolve) => (this.#onCut = resolve));
    worker.post(this.#id, { type: 'cut', end });
    await heard;
    return this.#cutEnd;
  }
}

function smallBody(bytes: Uint8Array): ResponseBody {
  return {
    async *[Symbol.asyncIterator]() {
      yield bytes;
    },
    dump: async () => {},
    destroy: () => {},
  };
}
