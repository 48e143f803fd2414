import { createHash, randomUUID } from 'node:crypto';

import type { ListedObject, ObjectStore } from '@oci/cache';
import {
  type CallOptions,
  type Digest,
  OciError,
  type RepositoryName,
  isOciError,
  verifiableAlgorithm,
} from '@oci/spec-types';
import { forEachConcurrent } from '@oci/spec-types/node';
import { LRUCache } from 'lru-cache';

import type { HostedBlobs } from './blobs.js';
import { type HostedContent, newDataId } from './content.js';
import { EndedSessions } from './ended-sessions.js';
import { KeyLocks } from './key-locks.js';
import { keys, sessionOfKey } from './keys.js';
import { OpenSessions, type UploadLimits, defaultUploadLimits } from './open-sessions.js';
import { OpenUpload } from './open-upload.js';
import type { UploadRoom } from './quota/upload-room.js';
import type { Records, Seen } from './records.js';
import { UploadHash } from './upload-hash.js';
import type { UploadRecord } from './upload-record.js';

export interface UploadsOptions {
  readonly limits?: UploadLimits | undefined;
  /** How long a request waits for another one of its session, in milliseconds. Default 3 s. */
  readonly patienceMs?: number | undefined;
}

export interface UploadsParts {
  readonly store: ObjectStore;
  readonly records: Records;
  readonly blobs: HostedBlobs;
  readonly content: HostedContent;
  readonly room: UploadRoom;
}

/** Content that comes as a whole. */
export interface WholeUpload {
  readonly digest: Digest;
  readonly body: AsyncIterable<Uint8Array>;
  /** Bytes, when they are known before they come. */
  readonly length?: number | undefined;
}

/**
 * Names of sessions: the hash of who has it, which is all that counting them needs, and a random part. In no other
 * spelling, as a file system may take two spellings for one.
 */
const sessionName = /^[0-9a-f]{8}-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Sessions whose bytes are hashed as they come; those of others are read when they end. */
const mostHashes = { maxSize: 10_000, sizeCalculation: () => 1 } as const;

/**
 * Uploads in progress. All that has to outlive the process is in the store; a piece that breaks off leaves
 * nothing. A session is held by one request at a time in a process, and between processes each change of its
 * record is of the version that was read.
 */
export class HostedUploads {
  readonly #parts: UploadsParts;
  readonly #limits: UploadLimits;
  readonly #patienceMs: number;
  readonly #locks = new KeyLocks();
  readonly #open: OpenSessions;
  readonly #hashes = new LRUCache<string, UploadHash>(mostHashes);
  readonly #ended: EndedSessions;
  #restored: Promise<void> | undefined;

  constructor(parts: UploadsParts, options: UploadsOptions = {}) {
    this.#parts = parts;
    this.#limits = options.limits ?? defaultUploadLimits;
    this.#patienceMs = options.patienceMs ?? 3000;
    this.#open = new OpenSessions(this.#limits);
    const { store, records, room } = parts;
    this.#ended = new EndedSessions({
      store,
      records,
      locks: this.#locks,
      known: () => [...this.#open.stored, ...room.sessions],
      forget: (session) => this.#forget(session),
    });
    room.onTight = () => this.#ended.forget();
  }

  /**
   * @param owner names the caller whose sessions are counted together
   * @returns the session's name
   * @throws OciError `RATE_LIMITED`, QuotaExceeded where no byte has room
   */
  async begin(name: RepositoryName, owner: string): Promise<string> {
    await this.#parts.room.ensureAny(name);
    const session = await this.#enter(owner);
    const record: UploadRecord = { repository: name, pieces: [] };
    try {
      await this.#parts.records.change<UploadRecord>(keys.upload(session), () => record);
    } catch (error) {
      this.#open.remove(session);
      throw error;
    }
    this.#open.noteStored(session);
    return session;
  }

  /**
   * Stores a blob that comes as a whole, without a session that others could go on with.
   *
   * @throws OciError `DIGEST_MISMATCH`, `DIGEST_UNSUPPORTED`, `RATE_LIMITED`, QuotaExceeded
   */
  async put(
    { name, owner }: { readonly name: RepositoryName; readonly owner: string },
    { digest, body, length }: WholeUpload,
    options: CallOptions = {},
  ): Promise<void> {
    const { store, blobs, room } = this.#parts;
    const hash = UploadHash.begin(verifiableAlgorithm(digest));
    const hold = await room.hold(name, async () => (await blobs.size(name, digest)) !== undefined);
    const session = await this.#enter(owner);
    try {
      const data = newDataId();
      const stagedAt = performance.now();
      const bytes = hash.through(hold.through(body, length));
      const stored = await store.put(keys.data(data), bytes, options);
      if (!stored || !hash.isOf(digest)) {
        await this.#parts.content.discard(data);
        throw new OciError('DIGEST_MISMATCH', `the bytes of the upload do not have ${digest}`);
      }
      this.#parts.content.prove(data, stored);
      const staged = { data, size: stored.size, stagedAt };
      await blobs.adopt(name, digest, { staged, onReserved: () => hold.set(0) });
    } finally {
      hold.set(0);
      this.#open.remove(session);
    }
  }

  /**
   * Holds a session while work runs, which is given undefined when the repository has no such session.
   *
   * @throws OciError `TIMEOUT` when another request holds it for too long
   */
  async use<T>(
    { name, session }: { readonly name: RepositoryName; readonly session: string },
    work: (upload: OpenUpload | undefined) => Promise<T>,
  ): Promise<T> {
    if (!sessionName.test(session)) return work(undefined);
    await this.#ready();
    const hold = async (): Promise<T> => work(await this.#find(name, session));
    return this.#locks.hold(session, hold, this.#patienceMs);
  }

  /** Removes sessions that nothing was added to for longer than `olderThanMs`. @returns how many */
  async expire({
    olderThanMs,
    now = Date.now(),
    signal,
  }: CallOptions & { olderThanMs: number; now?: number }): Promise<number> {
    let expired = 0;
    const expireOne = async (entry: ListedObject): Promise<void> => {
      if (now - entry.modifiedAt <= olderThanMs) return;
      if ((await this.expireOne(entry)) !== undefined) expired += 1;
    };
    const entries = this.#parts.store.entries(keys.uploads, { signal });
    await forEachConcurrent(entries, expireOne, { limit: 4, signal });
    await this.#ended.forget();
    return expired;
  }

  /**
   * Removes a session as it was listed, unless it is in use.
   *
   * @param dryRun tell only, and change nothing
   * @returns the bytes of its pieces; undefined when it stays
   */
  async expireOne(
    { key, version }: Pick<ListedObject, 'key' | 'version'>,
    dryRun = false,
  ): Promise<number | undefined> {
    const session = sessionOfKey(key);
    const expire = async (): Promise<number | undefined> => {
      const seen = await this.#parts.records.see<UploadRecord>(key);
      // Something was added since.
      if (seen.version !== version) return undefined;
      return dryRun ? bytesOf(seen) : this.#removeSession(session, seen);
    };
    try {
      // One that is held is not abandoned.
      return await this.#locks.hold(session, expire, 0);
    } catch (error) {
      if (!isOciError(error, 'TIMEOUT')) throw error;
      return undefined;
    }
  }

  async #removeSession(session: string, seen: Seen<UploadRecord>): Promise<number | undefined> {
    const { records, content } = this.#parts;
    if (!(await records.remove(keys.upload(session), seen))) return undefined;
    await this.#close(session);
    for (const [data] of piecesOf(seen)) await content.discard(data);
    return bytesOf(seen);
  }

  async #find(name: RepositoryName, session: string): Promise<OpenUpload | undefined> {
    const { store, records, blobs, content, room } = this.#parts;
    const seen = await records.see<UploadRecord>(keys.upload(session));
    const record = seen.value;
    if (record?.repository !== name || record.closing) return undefined;
    const parts = {
      store,
      records,
      session,
      maxPieces: this.#limits.pieces,
      hold: (offset: number) => room.holdOf(session, name, offset),
      hash: this.#hashes.get(session),
      keepHash: (hash: UploadHash) => void this.#hashes.set(session, hash),
      adopt: async (
        digest: Digest,
        staged: Parameters<typeof blobs.adopt>[2]['staged'] & { version: string },
      ) => {
        content.prove(staged.data, staged);
        await blobs.adopt(name, digest, { staged, onReserved: () => room.end(session) });
      },
      close: () => this.#close(session),
    };
    return new OpenUpload(parts, { seen, record });
  }

  /** A session's name is never used again, so that its record needs no condition to go. */
  async #close(session: string): Promise<void> {
    await this.#parts.store.delete(keys.upload(session));
    this.#forget(session);
  }

  #forget(session: string): void {
    this.#hashes.delete(session);
    this.#parts.room.end(session);
    this.#open.remove(session);
  }

  async #enter(owner: string): Promise<string> {
    await this.#ready();
    const hash = createHash('sha256').update(owner).digest('hex').slice(0, 8);
    const session = `${hash}-${randomUUID()}`;
    if (!this.#open.hasRoom(hash)) await this.#ended.forget();
    this.#open.add(session, hash);
    return session;
  }

  /** Settles when sessions are counted: one that ended before would be counted for ever. */
  #ready(): Promise<void> {
    this.#restored ??= this.#restore().catch((error: unknown) => {
      this.#restored = undefined;
      throw error;
    });
    return this.#restored;
  }

  /** Counts the sessions that are there since before this process began. */
  async #restore(): Promise<void> {
    for await (const key of this.#parts.store.list(keys.uploads)) {
      const session = sessionOfKey(key);
      this.#open.restore(session, session.split('-', 1)[0] ?? '');
    }
  }
}

/** The pieces that go with a session. What was being ended may be content already. */
function piecesOf({ value }: Seen<UploadRecord>): UploadRecord['pieces'] {
  return value && value.closing === undefined ? value.pieces : [];
}

function bytesOf(seen: Seen<UploadRecord>): number {
  return piecesOf(seen).reduce((sum, [, size]) => sum + size, 0);
}
