import { randomUUID } from 'node:crypto';

import type { ObjectStore } from '@oci/cache';
import { type RepositoryName, isOciError } from '@oci/spec-types';

import type { HostedBlobs } from './blobs.js';
import { getJson, putJson } from './json-object.js';
import { KeyLocks } from './key-locks.js';
import { keys, sessionOfKey } from './keys.js';
import { OpenSessions, type UploadLimits, defaultUploadLimits } from './open-sessions.js';
import { OpenUpload } from './open-upload.js';

interface UploadRecord {
  readonly repository: RepositoryName;
  /** Milliseconds since the epoch. */
  readonly begunAt: number;
  /** Whose upload it is; sessions of older servers have none. */
  readonly owner?: string;
}

export interface UploadsOptions {
  readonly limits?: UploadLimits | undefined;
  /** How long a request waits for another one of its session, in milliseconds. Default 3 s. */
  readonly patienceMs?: number | undefined;
}

/** Names of sessions; in no other spelling, as a file system may take two spellings for one. */
const sessionName = /^[0-9a-f-]{36}$/;

/**
 * Uploads in progress. All their state is in the store, so that they outlive the process; a piece that breaks
 * off leaves nothing. A session is held by one request at a time.
 */
export class HostedUploads {
  readonly #store: ObjectStore;
  readonly #blobs: HostedBlobs;
  readonly #limits: UploadLimits;
  readonly #patienceMs: number;
  readonly #locks = new KeyLocks();
  readonly #open: OpenSessions;
  #restored: Promise<void> | undefined;

  constructor(store: ObjectStore, blobs: HostedBlobs, options: UploadsOptions = {}) {
    this.#store = store;
    this.#blobs = blobs;
    this.#limits = options.limits ?? defaultUploadLimits;
    this.#patienceMs = options.patienceMs ?? 3000;
    this.#open = new OpenSessions(this.#limits);
  }

  /**
   * @param owner names the caller whose sessions are counted together
   * @returns the session's name
   * @throws OciError `RATE_LIMITED`
   */
  async begin(name: RepositoryName, owner: string): Promise<string> {
    await this.#ready();
    const session = randomUUID();
    this.#open.add(session, owner);
    const record: UploadRecord = { repository: name, begunAt: Date.now(), owner };
    try {
      await putJson(this.#store, keys.uploadBegun(session), record);
    } catch (error) {
      this.#open.remove(session);
      throw error;
    }
    return session;
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
  }: {
    olderThanMs: number;
    now?: number;
  }): Promise<number> {
    await this.#ready();
    const sessions = new Set<string>();
    for await (const key of this.#store.list(keys.uploads)) sessions.add(sessionOfKey(key));
    let expired = 0;
    for (const session of sessions) {
      const expireOne = async (): Promise<void> => {
        if (now - (await this.#touchedAt(session)) <= olderThanMs) return;
        await this.#remove(session);
        expired += 1;
      };
      // One that is held is not abandoned.
      await this.#locks.hold(session, expireOne, 0).catch((error: unknown) => {
        if (!isOciError(error, 'TIMEOUT')) throw error;
      });
    }
    return expired;
  }

  async #find(name: RepositoryName, session: string): Promise<OpenUpload | undefined> {
    const record = await getJson<UploadRecord>(this.#store, keys.uploadBegun(session));
    if (record?.repository !== name) return undefined;
    return OpenUpload.open({
      store: this.#store,
      session,
      maxPieces: this.#limits.pieces,
      join: (descriptor, pieces) => this.#blobs.join(name, descriptor, pieces),
      close: () => this.#remove(session),
    });
  }

  async #remove(session: string): Promise<void> {
    // Without it there is no session, whatever is left when the process ends here.
    await this.#store.delete(keys.uploadBegun(session));
    for await (const key of this.#store.list(keys.upload(session))) await this.#store.delete(key);
    this.#open.remove(session);
  }

  async #touchedAt(session: string): Promise<number> {
    let touchedAt = 0;
    for await (const key of this.#store.list(keys.upload(session)))
      touchedAt = Math.max(touchedAt, (await this.#store.head(key))?.modifiedAt ?? 0);
    return touchedAt;
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
    for await (const key of this.#store.list(keys.uploads)) {
      const session = sessionOfKey(key);
      if (key !== keys.uploadBegun(session)) continue;
      const record = await getJson<UploadRecord>(this.#store, key);
      if (record) this.#open.restore(session, record.owner ?? '');
    }
  }
}
