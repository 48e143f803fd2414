import { BodyWriter } from './body-writer.js';
import type { Connection, ConnectionUser } from './connection.js';
import type { FileHash } from './file-hash.js';
import {
  type AnswerMessage,
  type WorkerError,
  type WorkerPlace,
  type WorkerRequest,
  workerError,
} from './messages.js';
import { type ResponseHead, maxHeadBytes, parseHead } from './response-head.js';

/** Bytes of an answer that is not for a file, at most: a redirect, a refusal. */
const smallBytes = 64 * 1024;

/** The surroundings of an answer. */
interface AnswerHost {
  readonly post: (message: AnswerMessage) => void;
  /** Another connection, when one that was idle turns out closed. */
  readonly connect: () => Connection;
  /** Takes a connection that is free again. */
  readonly keep: (connection: Connection) => void;
}

/** One request and its answer: the head is told, then the body waits until its place is known. */
export class Answer implements ConnectionUser {
  readonly #request: WorkerRequest;
  readonly #host: AnswerHost;
  #state: 'head' | 'waiting' | 'body' | 'over' = 'head';
  #connection: Connection;
  #timer: NodeJS.Timeout | undefined;
  #head: ResponseHead | undefined;
  #writer: BodyWriter | undefined;
  #timeout: Error | undefined;

  constructor(request: WorkerRequest, connection: Connection, host: AnswerHost) {
    this.#request = request;
    this.#connection = connection;
    this.#host = host;
    this.#begin();
  }

  /** Writes the body to its place. */
  receive(place: WorkerPlace, hash: FileHash | undefined): void {
    if (this.#state !== 'waiting' || !this.#head) return;
    this.#state = 'body';
    this.#writer = new BodyWriter(this.#connection, {
      from: this.#head.end,
      place,
      hash,
      onProgress: (position) => this.#host.post({ type: 'progress', position }),
      onFailure: (error) => this.#finish(workerError(error, true)),
    });
    if (this.#receiveBody()) this.#connection.resume();
  }

  /** Moves the end of the body forward. */
  cut(end: number): void {
    if (this.#state !== 'body' || !this.#writer) return;
    this.#host.post({ type: 'cut', end: this.#writer.cut(end) });
    this.#receiveBody();
  }

  abort(): void {
    this.#finish({ message: 'aborted', code: 'ABORT_ERR', isStorage: false });
  }

  received(): boolean {
    if (this.#state === 'head') return this.#receiveHead();
    // What comes before the place is known waits in the buffer.
    return this.#state === 'body' && this.#receiveBody();
  }

  ended(error: Error | undefined): void {
    if (this.#state === 'over') return;
    const { isUsed, filled } = this.#connection;
    if (isUsed && filled === 0 && this.#state === 'head' && !this.#timeout) {
      // The server ended it while it was idle, before it saw the request.
      this.#connection = this.#host.connect();
      return this.#begin();
    }
    this.#finish(workerError(this.#timeout ?? error ?? new Error('other side closed'), false));
  }

  #begin(): void {
    const { connectMs, headersMs, text } = this.#request;
    this.#connection.user = this;
    this.#expect(connectMs, 'UND_ERR_CONNECT_TIMEOUT');
    this.#connection.whenReady(() => {
      this.#expect(headersMs, 'UND_ERR_HEADERS_TIMEOUT');
      this.#connection.send(text);
    });
  }

  /** Ends the connection, and fails with `code`, unless what is waited for comes in time. */
  #expect(milliseconds: number, code: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timeout = Object.assign(new Error(`nothing came in ${milliseconds} ms`), { code });
      this.#connection.end();
    }, milliseconds);
  }

  #receiveHead(): boolean {
    const { buffer, filled } = this.#connection;
    const head = parseHead(buffer.subarray(0, Math.min(filled, maxHeadBytes)));
    if (head === 'incomplete') return true;
    if (!head) return this.#refuse();
    const { status, headers, length, end } = head;
    this.#head = head;
    if (status !== 200 && status !== 206) {
      if (length > smallBytes || filled > end + length) return this.#refuse();
      return filled < end + length || this.#giveSmall(head);
    }
    clearTimeout(this.#timer);
    this.#state = 'waiting';
    this.#host.post({ type: 'head', status, headers, body: undefined });
    return false;
  }

  /** Gives a body with its head. @returns whether the connection is kept */
  #giveSmall({ status, headers, length, end, keepsAlive }: ResponseHead): boolean {
    // A copy: the buffer is used again.
    const body = new Uint8Array(this.#connection.buffer.subarray(end, end + length));
    this.#host.post({ type: 'head', status, headers, body });
    return this.#release(keepsAlive);
  }

  /** Leaves the answer to another HTTP client. */
  #refuse(): boolean {
    this.#host.post({ type: 'unusable' });
    return this.#release(false);
  }

  /** Takes what came. @returns whether the connection is to be read on */
  #receiveBody(): boolean {
    try {
      if (!this.#writer?.received()) return true;
    } catch (error) {
      return this.#finish(workerError(error, true));
    }
    return this.#finish(undefined);
  }

  /** Tells the end: nothing is written any more. @returns whether the connection is kept */
  #finish(error: WorkerError | undefined): boolean {
    if (this.#state === 'over') return false;
    const failure = this.#flush(error);
    const { length = 0, keepsAlive = false } = this.#head ?? {};
    const isAll = this.#writer?.written === length && !this.#writer.hasMore;
    const isKept = this.#release(keepsAlive && isAll && !failure);
    this.#host.post({ type: 'end', position: this.#writer?.position ?? 0, error: failure });
    return isKept;
  }

  #flush(error: WorkerError | undefined): WorkerError | undefined {
    this.#writer?.close();
    if (error?.isStorage) return error;
    try {
      this.#writer?.flush();
      return error;
    } catch (failure) {
      return workerError(failure, true);
    }
  }

  /** Lets the connection go. @returns whether it is kept */
  #release(isReusable: boolean): boolean {
    this.#state = 'over';
    clearTimeout(this.#timer);
    const connection = this.#connection;
    connection.user = undefined;
    connection.filled = 0;
    connection.isUsed = true;
    if (isReusable) this.#host.keep(connection);
    else connection.end();
    return isReusable;
  }
}
