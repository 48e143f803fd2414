import type { ObjectStore } from '@oci/cache';
import { type CallOptions, type Descriptor, type Digest, OciError } from '@oci/spec-types';

import { keys, offsetOfKey } from './keys.js';

/** What an upload works with. */
export interface UploadParts {
  readonly store: ObjectStore;
  readonly session: string;
  readonly maxPieces: number;
  /** Makes the pieces a blob when they have the digest. */
  readonly join: (
    descriptor: Pick<Descriptor, 'digest' | 'size'>,
    pieces: readonly string[],
  ) => Promise<void>;
  /** Removes the session. */
  readonly close: () => Promise<void>;
}

/** An upload in progress, for the one request that holds its session. */
export class OpenUpload {
  readonly #parts: UploadParts;
  readonly #pieces: string[];
  #offset: number;

  private constructor(parts: UploadParts, state: { pieces: string[]; offset: number }) {
    this.#parts = parts;
    this.#pieces = state.pieces;
    this.#offset = state.offset;
  }

  /** Reads from the store what arrived so far. */
  static async open(parts: UploadParts): Promise<OpenUpload> {
    const { store, session } = parts;
    const pieces: string[] = [];
    for await (const key of store.list(keys.upload(session)))
      if (key !== keys.uploadBegun(session)) pieces.push(key);
    const last = pieces.at(-1);
    if (last === undefined) return new OpenUpload(parts, { pieces, offset: 0 });
    const size = (await store.head(last))?.size ?? 0;
    return new OpenUpload(parts, { pieces, offset: offsetOfKey(last) + size });
  }

  /** Bytes that arrived so far. */
  get offset(): number {
    return this.#offset;
  }

  /**
   * Adds bytes behind those that arrived; a body that fails adds none.
   *
   * @throws OciError `LIMIT_EXCEEDED` when the session has too many pieces
   */
  async append(body: AsyncIterable<Uint8Array>, options: CallOptions = {}): Promise<void> {
    const { store, session, maxPieces } = this.#parts;
    if (this.#pieces.length >= maxPieces) {
      const message = `an upload takes at most ${maxPieces} chunks: begin again, with larger ones`;
      throw new OciError('LIMIT_EXCEEDED', message);
    }
    const key = keys.uploadPiece(session, this.#offset);
    const stored = await store.put(key, body, options);
    const size = stored?.size ?? 0;
    if (size === 0) return store.delete(key);
    this.#pieces.push(key);
    this.#offset += size;
  }

  /**
   * Ends the session: its bytes become the blob when they are what the digest says.
   *
   * @throws OciError `DIGEST_MISMATCH`, `DIGEST_UNSUPPORTED`
   */
  async commit(digest: Digest): Promise<void> {
    await this.#parts.join({ digest, size: this.#offset }, this.#pieces);
    await this.#parts.close();
  }

  /** Ends the session without a blob. */
  async cancel(): Promise<void> {
    await this.#parts.close();
  }
}
