import type { RepositoryName } from '@oci/spec-types';

import type { LimitedNamespace } from './quota.js';
import { usedOf } from './quota-record.js';
import type { Quotas } from './quotas.js';

/**
 * Bytes of uploads that are open in this process: as long as they are, they count against what is left of the quota of
 * their namespace, so that nobody fills the storage with uploads that could never be ended.
 */
export class UploadRoom {
  readonly #quotas: Quotas;
  /** Bytes by namespace. */
  readonly #open = new Map<RepositoryName, number>();
  readonly #sessions = new Map<string, RoomHold>();
  /** Gives back what is held for sessions that another process has ended. */
  onTight: () => Promise<void> = async () => {};

  constructor(quotas: Quotas) {
    this.#quotas = quotas;
  }

  /** Sessions that something is held for. */
  get sessions(): Iterable<string> {
    return this.#sessions.keys();
  }

  /** @throws QuotaExceeded when the namespace of a repository is full */
  async ensureAny(repository: RepositoryName): Promise<void> {
    const namespace = await this.#quotas.namespaceOf(repository);
    if (namespace) await this.ensure(namespace, 1);
  }

  /** Room for an upload that is one request. @param isFree tells whether the repository has the content already */
  async hold(repository: RepositoryName, isFree?: () => Promise<boolean>): Promise<RoomHold> {
    return new RoomHold(this, await this.#quotas.namespaceOf(repository), isFree);
  }

  /** Room of a session, of which `offset` bytes are there. */
  async holdOf(session: string, repository: RepositoryName, offset: number): Promise<RoomHold> {
    const hold = this.#sessions.get(session) ?? (await this.hold(repository));
    this.#sessions.set(session, hold);
    hold.set(offset);
    return hold;
  }

  /** Gives back what a session holds. */
  end(session: string): void {
    this.#sessions.get(session)?.set(0);
    this.#sessions.delete(session);
  }

  /**
   * @param own bytes that the upload holds already
   * @throws QuotaExceeded when there is no room for so many bytes more
   */
  async ensure(namespace: LimitedNamespace, bytes: number, own = 0): Promise<void> {
    const { name, maxBytes: limit, repository } = namespace;
    const ledger = this.#quotas.ledger(name);
    const needed = own + bytes;
    const usedByOthers = (record = ledger.known): number =>
      (record ? usedOf(record) : 0) + (this.#open.get(name) ?? 0) - own;
    if (ledger.known && usedByOthers() + needed <= limit) return;
    // Another process may have removed something.
    let record = await ledger.read();
    if (usedByOthers(record) + needed <= limit) return;
    // Or have ended uploads of which this one holds the bytes.
    if ((this.#open.get(name) ?? 0) > own) {
      await this.onTight();
      record = await ledger.read();
    }
    const used = usedByOthers(record);
    if (used + needed <= limit) return;
    throw this.#quotas.refused({ namespace: name, repository, used, limit }, needed);
  }

  add({ name }: LimitedNamespace, bytes: number): void {
    const open = (this.#open.get(name) ?? 0) + bytes;
    if (open > 0) this.#open.set(name, open);
    else this.#open.delete(name);
  }
}

/** What one upload holds. */
export class RoomHold {
  readonly #room: UploadRoom;
  readonly #namespace: LimitedNamespace | undefined;
  readonly #isFree: () => Promise<boolean>;
  #bytes = 0;

  constructor(
    room: UploadRoom,
    namespace: LimitedNamespace | undefined,
    isFree = async (): Promise<boolean> => false,
  ) {
    this.#room = room;
    this.#namespace = namespace;
    this.#isFree = isFree;
  }

  /** @throws QuotaExceeded when there is no room for so many bytes more */
  async take(bytes: number): Promise<void> {
    if (!this.#namespace) return;
    try {
      await this.#room.ensure(this.#namespace, bytes, this.#bytes);
    } catch (error) {
      if (!(await this.#isFree())) throw error;
    }
    this.set(this.#bytes + bytes);
  }

  /** Says how many bytes are there in all. */
  set(bytes: number): void {
    if (!this.#namespace) return;
    this.#room.add(this.#namespace, bytes - this.#bytes);
    this.#bytes = bytes;
  }

  /** Passes bytes on for which there is room. @param announced bytes, as far as they are known before */
  async *through(
    body: AsyncIterable<Uint8Array>,
    announced = 0,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    await this.take(announced);
    let arrived = 0;
    for await (const chunk of body) {
      const more = Math.min(chunk.byteLength, arrived + chunk.byteLength - announced);
      arrived += chunk.byteLength;
      if (more > 0) await this.take(more);
      yield chunk;
    }
  }
}
