import { createHash } from 'node:crypto';

import { type Descriptor, verifiableAlgorithm } from '@oci/spec-types';

import { type UploadBody, canReadAgain, readFrom, verifiesItself } from './blob-body.js';
import { HashingCursor, type Mark } from './hashing-cursor.js';

/**
 * Gives the bytes of an upload piece by piece. Every byte is hashed on its way, unless the content verifies itself, also
 * those that are only passed over because the registry has them; the last are held back until all are known to be right.
 */
export class VerifiedReader {
  readonly #content: UploadBody;
  readonly #descriptor: Descriptor;
  readonly #start: Mark;
  #mark: Mark;
  #cursor: HashingCursor | undefined;

  /** @throws OciError `DIGEST_UNSUPPORTED` */
  constructor(content: UploadBody, descriptor: Descriptor) {
    this.#content = content;
    this.#descriptor = descriptor;
    const algorithm = verifiableAlgorithm(descriptor.digest);
    this.#start = { offset: 0, hash: verifiesItself(content) ? undefined : createHash(algorithm) };
    this.#mark = this.#start;
  }

  /** Whether the bytes from `offset` on can still be had. */
  canRead(offset: number): boolean {
    return canReadAgain(this.#content) || (this.#cursor?.canReach(offset) ?? true);
  }

  /** The bytes from `from` up to, not with, `to`. @throws OciError `SIZE_MISMATCH`, `DIGEST_MISMATCH` */
  async *read(from: number, to: number): AsyncGenerator<Uint8Array, void, undefined> {
    const cursor = this.#cursorFor(from);
    await this.#pass(cursor, from);
    yield* cursor.until(to);
    this.#mark = cursor.mark();
  }

  /** Reads to the end without giving the bytes to anybody. @throws OciError `SIZE_MISMATCH`, `DIGEST_MISMATCH` */
  async finish(): Promise<void> {
    await this.#pass(this.#cursorFor(this.#descriptor.size), this.#descriptor.size);
  }

  close(): void {
    this.#cursor?.close();
  }

  async #pass(cursor: HashingCursor, to: number): Promise<void> {
    const passed = cursor.until(to);
    while (!(await passed.next()).done);
    this.#mark = cursor.mark();
  }

  #cursorFor(offset: number): HashingCursor {
    if (this.#cursor?.canReach(offset)) return this.#cursor;
    const wanted = this.#mark.offset <= offset ? this.#mark : this.#start;
    this.#cursor?.close();
    const { bytes, start } = readFrom(this.#content, wanted.offset);
    const mark = start === wanted.offset ? wanted : this.#start;
    this.#cursor = new HashingCursor(bytes, { ...mark, hash: mark.hash?.copy() }, this.#descriptor);
    return this.#cursor;
  }
}
