import type { Hash } from 'node:crypto';

import { type Descriptor, OciError, digestAlgorithm } from '@oci/spec-types';

/** A place in some content, and the hash up to there; none where the content verifies itself. */
export interface Mark {
  readonly offset: number;
  readonly hash: Hash | undefined;
}

/** One reading of some content, from where it was opened, that knows the hash of all before it. */
export class HashingCursor {
  readonly #iterator: AsyncIterator<Uint8Array>;
  readonly #hash: Hash | undefined;
  readonly #descriptor: Descriptor;
  #position: number;
  #rest: Uint8Array | undefined;
  #isReading = false;
  #isBroken = false;
  #isChecked = false;

  /** `hash` is that of the bytes before `offset`, and becomes this cursor's own. */
  constructor(bytes: AsyncIterable<Uint8Array>, { offset, hash }: Mark, descriptor: Descriptor) {
    this.#iterator = bytes[Symbol.asyncIterator]();
    this.#position = offset;
    this.#hash = hash;
    this.#descriptor = descriptor;
  }

  /** Whether reading on leads to `offset`. */
  canReach(offset: number): boolean {
    return !this.#isReading && !this.#isBroken && this.#position <= offset;
  }

  /** Where it is, and the hash up to there. */
  mark(): Mark {
    return { offset: this.#position, hash: this.#hash?.copy() };
  }

  /** The bytes from here up to `end`. @throws OciError `SIZE_MISMATCH`, `DIGEST_MISMATCH` */
  async *until(end: number): AsyncGenerator<Uint8Array, void, undefined> {
    const { size } = this.#descriptor;
    this.#isReading = true;
    try {
      while (this.#position < end) {
        const piece = await this.#take(end - this.#position);
        this.#hash?.update(piece);
        this.#position += piece.byteLength;
        // The last bytes are checked before they are passed on: nobody ever has it all unverified.
        if (this.#position === size) await this.#check();
        yield piece;
      }
      if (this.#position === size) await this.#check();
    } finally {
      this.#isReading = false;
    }
  }

  close(): void {
    this.#isBroken = true;
    void Promise.resolve(this.#iterator.return?.()).catch(() => {});
  }

  async #take(most: number): Promise<Uint8Array> {
    const chunk = this.#rest ?? (await this.#next());
    if (!chunk) throw this.#mismatch('SIZE_MISMATCH', `${this.#position} bytes`);
    this.#rest = chunk.byteLength > most ? chunk.subarray(most) : undefined;
    return chunk.subarray(0, most);
  }

  /** The next piece that is not empty; undefined at the end. */
  async #next(): Promise<Uint8Array | undefined> {
    try {
      for (;;) {
        const { done, value } = await this.#iterator.next();
        if (done) return undefined;
        if (value.byteLength > 0) return value;
      }
    } catch (error) {
      this.#isBroken = true;
      throw error;
    }
  }

  async #check(): Promise<void> {
    if (this.#isChecked) return;
    const { digest, size } = this.#descriptor;
    if (this.#rest ?? (await this.#next())) {
      throw this.#mismatch('SIZE_MISMATCH', `more than ${size} bytes`);
    }
    const actual = this.#hash && `${digestAlgorithm(digest)}:${this.#hash.copy().digest('hex')}`;
    if (actual !== undefined && actual !== digest) throw this.#mismatch('DIGEST_MISMATCH', actual);
    this.#isChecked = true;
  }

  #mismatch(code: 'SIZE_MISMATCH' | 'DIGEST_MISMATCH', got: string): OciError {
    this.#isBroken = true;
    const { digest, size } = this.#descriptor;
    const expected =
      code === 'SIZE_MISMATCH' ? `${digest} has ${size} bytes` : `expected ${digest}`;
    return new OciError(
      code,
      `the content to push is not what it is said to be: ${expected}, got ${got}`,
      {
        hint: 'It changed since it was described, or was read wrong. Nothing was stored.',
      },
    );
  }
}
