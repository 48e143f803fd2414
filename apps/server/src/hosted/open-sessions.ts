import { OciError } from '@oci/spec-types';

/** Bounds of the uploads in progress. */
export interface UploadLimits {
  /** Sessions of one caller. */
  readonly perCaller: number;
  /** Sessions of all callers. */
  readonly inAll: number;
  /** Pieces of one session. */
  readonly pieces: number;
}

export const defaultUploadLimits: UploadLimits = { perCaller: 1000, inAll: 20_000, pieces: 10_000 };

/** Counts the sessions that are open, and whose they are. */
export class OpenSessions {
  readonly #limits: UploadLimits;
  readonly #owners = new Map<string, string>();
  readonly #counts = new Map<string, number>();
  /** Those with a record in the store. */
  readonly #stored = new Set<string>();

  constructor(limits: UploadLimits) {
    this.#limits = limits;
  }

  get stored(): Iterable<string> {
    return this.#stored;
  }

  /** @throws OciError `RATE_LIMITED` when the caller, or all together, have too many */
  add(session: string, owner: string): void {
    if (!this.hasRoom(owner)) {
      const { perCaller, inAll } = this.#limits;
      const isOwn = (this.#counts.get(owner) ?? 0) >= perCaller;
      const whose = isOwn ? `of this caller (${perCaller})` : `of all callers (${inAll})`;
      throw new OciError(
        'RATE_LIMITED',
        `too many uploads ${whose} are open: end or cancel some, or wait until they expire`,
        { retryable: true },
      );
    }
    this.#count(session, owner);
  }

  /** Tells whether a caller may open another one. */
  hasRoom(owner: string): boolean {
    const { perCaller, inAll } = this.#limits;
    return (this.#counts.get(owner) ?? 0) < perCaller && this.#owners.size < inAll;
  }

  /** Says that a session has a record in the store, by which other processes find it. */
  noteStored(session: string): void {
    if (this.#owners.has(session)) this.#stored.add(session);
  }

  /** Counts a session that was opened before this process began. */
  restore(session: string, owner: string): void {
    this.#count(session, owner);
    this.noteStored(session);
  }

  remove(session: string): void {
    this.#stored.delete(session);
    const owner = this.#owners.get(session);
    if (owner === undefined) return;
    this.#owners.delete(session);
    const left = (this.#counts.get(owner) ?? 1) - 1;
    if (left > 0) this.#counts.set(owner, left);
    else this.#counts.delete(owner);
  }

  #count(session: string, owner: string): void {
    if (this.#owners.has(session)) return;
    this.#owners.set(session, owner);
    this.#counts.set(owner, (this.#counts.get(owner) ?? 0) + 1);
  }
}
