import { randomUUID } from 'node:crypto';

import type { ObjectStore } from '@oci/cache';
import { type CallOptions, type Digest, OciError, type RepositoryName } from '@oci/spec-types';
import { Verifier } from '@oci/spec-types/node';

import type { HostedBlobs } from './blobs.js';
import { getJson, putJson } from './json-object.js';
import { keys } from './keys.js';

interface UploadRecord {
  readonly repository: RepositoryName;
  /** Milliseconds since the epoch. */
  readonly begunAt: number;
}

/** One piece that arrived whole. */
interface Piece {
  readonly key: string;
  readonly offset: number;
  readonly size: number;
}

/**
 * Uploads in progress. All their state is in the store, so that any process that shares it can take
 * the next piece; a piece that breaks off leaves nothing.
 */
export class HostedUploads {
  readonly #store: ObjectStore;
  readonly #blobs: HostedBlobs;

  constructor(store: ObjectStore, blobs: HostedBlobs) {
    this.#store = store;
    this.#blobs = blobs;
  }

  /** @returns the session's name */
  async begin(name: RepositoryName): Promise<string> {
    const session = randomUUID();
    const record: UploadRecord = { repository: name, begunAt: Date.now() };
    await putJson(this.#store, keys.uploadBegun(session), record);
    return session;
  }

  /** Bytes that arrived so far; undefined when the repository has no such session. */
  async offset(name: RepositoryName, session: string): Promise<number | undefined> {
    const pieces = await this.#pieces(name, session);
    return pieces && endOf(pieces);
  }

  /**
   * Adds bytes behind those that arrived.
   *
   * @returns the offset after them; undefined when another piece came first
   */
  async append(
    session: string,
    offset: number,
    body: AsyncIterable<Uint8Array>,
    options: CallOptions = {},
  ): Promise<number | undefined> {
    const stored = await this.#store.put(keys.uploadPiece(session, offset), body, {
      ...options,
      condition: { ifAbsent: true },
    });
    if (!stored) return undefined;
    if (stored.size === 0) await this.#store.delete(keys.uploadPiece(session, offset));
    return offset + stored.size;
  }

  /**
   * Ends a session: its bytes become the blob when they are what the digest says.
   *
   * @throws OciError `DIGEST_MISMATCH`, `DIGEST_UNSUPPORTED`, `BLOB_UNKNOWN` when there is no such session
   */
  async commit(name: RepositoryName, session: string, digest: Digest): Promise<number> {
    const pieces = await this.#pieces(name, session);
    if (!pieces) throw new OciError('BLOB_UNKNOWN', 'there is no such upload');
    const size = endOf(pieces);
    const verifier = new Verifier({ digest, size });
    for (const piece of pieces) {
      const object = await this.#store.get(piece.key);
      if (object) for await (const chunk of object.body) verifier.update(chunk);
    }
    verifier.finish();
    await this.#blobs.adopt(
      name,
      digest,
      pieces.map((piece) => piece.key),
    );
    await this.cancel(session);
    return size;
  }

  async cancel(session: string): Promise<void> {
    for await (const key of this.#store.list(keys.upload(session))) await this.#store.delete(key);
  }

  /** Removes sessions that nothing was added to for longer than `olderThanMs`. @returns how many */
  async expire({
    olderThanMs,
    now = Date.now(),
  }: {
    olderThanMs: number;
    now?: number;
  }): Promise<number> {
    const touched = new Map<string, number>();
    for await (const key of this.#store.list(keys.uploads)) {
      const session = key.slice(keys.uploads.length).split('/', 1)[0] ?? '';
      const at = (await this.#store.head(key))?.modifiedAt ?? 0;
      touched.set(session, Math.max(at, touched.get(session) ?? 0));
    }
    const old = [...touched].filter(([, at]) => now - at > olderThanMs);
    for (const [session] of old) await this.cancel(session);
    return old.length;
  }

  async #pieces(name: RepositoryName, session: string): Promise<readonly Piece[] | undefined> {
    const record = await getJson<UploadRecord>(this.#store, keys.uploadBegun(session));
    if (record?.repository !== name) return undefined;
    const pieces: Piece[] = [];
    for await (const key of this.#store.list(keys.upload(session))) {
      if (key === keys.uploadBegun(session)) continue;
      const size = (await this.#store.head(key))?.size ?? 0;
      pieces.push({ key, offset: Number(key.slice(key.lastIndexOf('/') + 1)), size });
    }
    return pieces.sort((a, b) => a.offset - b.offset);
  }
}

function endOf(pieces: readonly Piece[]): number {
  const last = pieces.at(-1);
  return last ? last.offset + last.size : 0;
}
