import { writeSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

import { type Connection, bufferBytes } from './connection.js';
import type { FileHash } from './file-hash.js';
import type { WorkerPlace } from './messages.js';

/** So many bytes, or milliseconds, pass between two notes in the journal: so much is lost by a kill. */
const notedBytes = 512 * 1024;
const notedMs = 2;

/** Bytes from which on a buffer counts as full: the system is not asked for a few more. */
const fullBytes = bufferBytes - 64 * 1024;

/** Bytes that are worth writing when nothing more is there to be read. */
const someBytes = 64 * 1024;

/** Less than a full buffer is written, and noted, after this, in milliseconds. */
const flushMs = 50;

/** Progress is told no more often, in milliseconds; at first more often, for its rate decides on more connections. */
const toldMs = 25;
const firstToldMs = 4;
const firstMs = 200;

interface BodyWriterOptions {
  /** Offset in the buffer at which the body begins. */
  readonly from: number;
  readonly place: WorkerPlace;
  readonly hash: FileHash | undefined;
  readonly onProgress: (position: number) => void;
  /** Hears that the file system failed between two calls. */
  readonly onFailure: (error: unknown) => void;
}

/** Writes a body from the buffer of its connection to its place in a file, and hashes what comes next. */
export class BodyWriter {
  readonly #connection: Connection;
  readonly #place: WorkerPlace;
  readonly #hash: FileHash | undefined;
  readonly #onProgress: (position: number) => void;
  readonly #timer: NodeJS.Timeout;
  /** Offset in the buffer of what is not written yet. */
  #from: number;
  #position: number;
  #end: number;
  #noted: number;
  #notedAt: number = performance.now();
  #told = 0;
  readonly #begun: number = performance.now();

  constructor(connection: Connection, { from, place, hash, ...hears }: BodyWriterOptions) {
    this.#connection = connection;
    this.#place = place;
    this.#hash = hash;
    this.#onProgress = hears.onProgress;
    this.#from = from;
    this.#position = place.position;
    this.#noted = place.position;
    this.#end = place.end;
    this.#timer = setInterval(() => {
      try {
        this.flush();
      } catch (error) {
        hears.onFailure(error);
      }
    }, flushMs);
  }

  /** The next byte that is to be written. */
  get position(): number {
    return this.#position;
  }

  /** Bytes that were written. */
  get written(): number {
    return this.#position - this.#place.position;
  }

  /** The connection brought more than was written. */
  get hasMore(): boolean {
    return this.#waiting > 0;
  }

  /** Moves the end forward, but not before what has come. @returns the end */
  cut(end: number): number {
    const received = Math.min(this.#end, this.#position + this.#waiting);
    this.#end = Math.min(this.#end, Math.max(end, received));
    return this.#end;
  }

  /** Takes what came into the buffer. @returns whether the body is whole @throws what the file system says */
  received(): boolean {
    const isWhole = this.#position + this.#waiting >= this.#end;
    const isFull =
      this.#connection.filled >= fullBytes ||
      (this.#connection.isDrained && this.#waiting >= someBytes);
    if (!isWhole && !isFull) return false;
    this.#write();
    if (!isWhole) {
      this.#connection.filled = 0;
      this.#from = 0;
    }
    return isWhole;
  }

  /** Writes and notes what has come. @throws what the file system says */
  flush(): void {
    this.#write();
    this.#note();
    this.#tell();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  get #waiting(): number {
    return this.#connection.filled - this.#from;
  }

  #write(): void {
    const size = Math.min(this.#waiting, this.#end - this.#position);
    if (size <= 0) return;
    const bytes = this.#connection.buffer.subarray(this.#from, this.#from + size);
    this.#hash?.offer(bytes, this.#position);
    for (let at = 0; at < size;)
      at += writeSync(this.#place.file, bytes, at, size - at, this.#position + at);
    this.#from += size;
    this.#position += size;
    const now = performance.now();
    if (this.#position - this.#noted >= notedBytes || now - this.#notedAt >= notedMs) this.#note();
    const pauseMs = now - this.#begun < firstMs ? firstToldMs : toldMs;
    if (now - this.#told >= pauseMs) this.#tell();
  }

  #note(): void {
    if (this.#position === this.#noted) return;
    writeSync(this.#place.journal, `${this.#noted} ${this.#position}\n`);
    this.#noted = this.#position;
    this.#notedAt = performance.now();
  }

  #tell(): void {
    this.#told = performance.now();
    this.#onProgress(this.#position);
  }
}
