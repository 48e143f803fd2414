import type { ObjectStore, StoredVersion } from '@oci/cache';
import { type CallOptions, type Digest, OciError, verifiableAlgorithm } from '@oci/spec-types';

import { newDataId } from './content.js';
import type { ContentData, StagedData } from './content-index.js';
import { bytes } from './json-object.js';
import { keys } from './keys.js';
import type { RoomHold } from './quota/upload-room.js';
import type { Records, Seen } from './records.js';
import { UploadHash } from './upload-hash.js';
import { type UploadRecord, sizeOf } from './upload-record.js';

/** What an upload works with. */
export interface UploadParts {
  readonly store: ObjectStore;
  readonly records: Records;
  readonly session: string;
  readonly maxPieces: number;
  /** The room that an upload of so many bytes holds. */
  readonly hold: (offset: number) => Promise<RoomHold>;
  /** The hash of what came through this process so far. */
  readonly hash: UploadHash | undefined;
  readonly keepHash: (hash: UploadHash) => void;
  /** Makes data, which was hashed, a blob. */
  readonly adopt: (digest: Digest, staged: StagedData & StoredVersion) => Promise<void>;
  /** Removes the record of the session. */
  readonly close: () => Promise<void>;
}

/** How bytes are added. */
export interface AppendOptions extends CallOptions {
  readonly length?: number | undefined;
  readonly isLast?: boolean;
}

/** An upload in progress, for the one request that holds its session in this process. */
export class OpenUpload {
  readonly #parts: UploadParts;
  #seen: Seen<UploadRecord>;
  #record: UploadRecord;
  #hash: UploadHash | undefined;
  /** Of the last piece that was stored here. */
  #stored: StoredVersion | undefined;
  #isAdopting = false;
  /** Whether only this request knows of the piece that it brought, which is the whole blob. */
  #isUnnoted = false;

  constructor(
    parts: UploadParts,
    { seen, record }: { seen: Seen<UploadRecord>; record: UploadRecord },
  ) {
    this.#parts = parts;
    this.#seen = seen;
    this.#record = record;
    this.#hash = parts.hash;
  }

  /** Bytes that arrived so far. */
  get offset(): number {
    return sizeOf(this.#record);
  }

  /**
   * Adds bytes behind those that arrived; a body that fails adds none.
   *
   * @param options.length bytes, when they are known before they come
   * @param options.isLast a commit or a cancel follows at once, so that nobody else has to know of the only piece
   * @throws OciError `LIMIT_EXCEEDED` when the session has too many pieces, `TIMEOUT` when another process
   *   added one meanwhile, QuotaExceeded
   */
  async append(
    body: AsyncIterable<Uint8Array>,
    { length, ...options }: AppendOptions = {},
  ): Promise<void> {
    const hold = await this.#parts.hold(this.offset);
    try {
      await this.#append(hold.through(body, length), options);
    } finally {
      hold.set(this.offset);
    }
  }

  async #append(
    body: AsyncIterable<Uint8Array>,
    { isLast = false, ...options }: AppendOptions,
  ): Promise<void> {
    const { store, maxPieces } = this.#parts;
    const { pieces } = this.#record;
    if (pieces.length >= maxPieces) {
      const message = `an upload takes at most ${maxPieces} chunks: begin again, with larger ones`;
      throw new OciError('LIMIT_EXCEEDED', message);
    }
    const hash = this.#hashBehind();
    const data = newDataId();
    const stored = await store.put(keys.data(data), hash ? hash.through(body) : body, options);
    const size = stored?.size ?? 0;
    if (size === 0) return store.delete(keys.data(data));
    const record: UploadRecord = { ...this.#record, pieces: [...pieces, [data, size]] };
    this.#isUnnoted = isLast && pieces.length === 0;
    try {
      if (this.#isUnnoted) this.#record = record;
      else await this.#replace(record);
    } catch (error) {
      await store.delete(keys.data(data)).catch(() => {});
      throw error;
    }
    this.#stored = stored;
    this.#hash = hash;
    if (hash) this.#parts.keepHash(hash);
  }

  /**
   * Ends the session: its bytes become the blob when they are what the digest says.
   *
   * @throws OciError `DIGEST_MISMATCH`, `DIGEST_UNSUPPORTED`
   */
  async commit(digest: Digest): Promise<void> {
    const algorithm = verifiableAlgorithm(digest);
    const stagedAt = performance.now();
    if (!this.#isUnnoted) await this.#replace({ ...this.#record, closing: digest });
    const isKnown = this.#hash?.algorithm === algorithm && this.#hash.bytes <= this.offset;
    const hash = isKnown && this.#hash ? this.#hash : UploadHash.begin(algorithm);
    for await (const chunk of hash.through(this.#readFrom(hash.bytes))) void chunk;
    if (!hash.isOf(digest))
      throw new OciError('DIGEST_MISMATCH', `the bytes of the upload do not have ${digest}`);
    const whole = await this.#whole();
    this.#isAdopting = true;
    await this.#parts.adopt(digest, { ...whole, stagedAt });
    await this.#parts.close();
  }

  /** Ends the session without a blob. @throws OciError `TIMEOUT` when another process ends it as one */
  async cancel(): Promise<void> {
    const { store, records, session, close } = this.#parts;
    // What may be content already is left to a collection.
    if (this.#isAdopting) return close();
    const key = keys.upload(session);
    const unnoted = this.#isUnnoted ? this.#record.pieces : [];
    for (;;) {
      const seen = await records.see<UploadRecord>(key);
      if (seen.value?.closing && seen.version !== this.#seen.version) throw isChanged();
      if (!(await records.remove(key, seen))) continue;
      await close();
      for (const [data] of [...unnoted, ...(seen.value?.pieces ?? [])])
        await store.delete(keys.data(data)).catch(() => {});
      return;
    }
  }

  async #replace(record: UploadRecord): Promise<void> {
    const { records, session } = this.#parts;
    const written = await records.write(keys.upload(session), record, this.#seen);
    if (!written) throw isChanged();
    this.#seen = written;
    this.#record = record;
  }

  /** A hash to add the next piece to; none where a piece before it came through another process. */
  #hashBehind(): UploadHash | undefined {
    if (this.offset === 0) return UploadHash.begin(this.#hash?.algorithm ?? 'sha256');
    return this.#hash?.bytes === this.offset ? this.#hash.copy() : undefined;
  }

  /** The bytes that were not hashed as they came; a hash always ends where a piece does. */
  async *#readFrom(start: number): AsyncGenerator<Uint8Array, void, undefined> {
    let offset = 0;
    for (const [data, size] of this.#record.pieces) {
      if (offset >= start) {
        const object = await this.#parts.store.get(keys.data(data));
        if (!object) throw lostPiece();
        yield* object.body;
      }
      offset += size;
    }
  }

  async #whole(): Promise<ContentData & StoredVersion> {
    const { store } = this.#parts;
    const { pieces } = this.#record;
    const [only, ...others] = pieces;
    const size = this.offset;
    if (only && others.length === 0) {
      const stored = this.#stored ?? (await store.head(keys.data(only[0])));
      if (!stored) throw lostPiece();
      return { data: only[0], size, version: stored.version };
    }
    const data = newDataId();
    const parts = pieces.map(([piece]) => keys.data(piece));
    const target = keys.data(data);
    const stored = only ? await store.join(parts, target) : await store.put(target, bytes(empty));
    if (stored?.size !== size) throw lostPiece();
    return { data, size, version: stored.version };
  }
}

function isChanged(): OciError {
  return new OciError('TIMEOUT', 'another request has changed the upload', { retryable: true });
}

const empty = new Uint8Array();

function lostPiece(): OciError {
  return new OciError('STORAGE_FAILED', 'a piece of the upload is gone', {
    hint: 'Begin the upload again.',
  });
}
