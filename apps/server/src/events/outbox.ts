import type { ListedObject, ObjectStore } from '@oci/cache';
import { type CallOptions, OciError } from '@oci/spec-types';
import { LRUCache } from 'lru-cache';

import { idOfEventKey, keys } from '../hosted/keys.js';
import type { Records } from '../hosted/records.js';
import { type CloudEvent, cloudEventOf, pingOf } from './cloud-event.js';
import { EventIds, timeOfEventId } from './event-id.js';
import type { EventRecord } from './event-record.js';
import type { EventJournal, PreparedEvent, RegistryEvent } from './journal.js';
import type { Webhook } from './webhook.js';
import { type WebhookAnswer, WebhookConnection } from './webhook-request.js';

export interface OutboxParts {
  readonly store: ObjectStore;
  readonly records: Records;
  /** The present ones. */
  readonly webhooks: () => readonly Webhook[];
  /** The `source` of events. */
  readonly source: () => string;
}

/** An event that waits, as a list of the store tells it. */
export interface ListedEvent {
  readonly id: string;
  readonly size: number;
}

/** Figures of the events that wait. */
export interface WaitingFigures {
  readonly count: number;
  readonly bytes: number;
  /** Milliseconds since the epoch. */
  readonly oldestAt: number | undefined;
}

/** Hears of events that this process has stored. */
export type StoredListener = (id: string, record: EventRecord, size: number) => void;

/** A quota that stays reached is an event again after this time, in milliseconds. */
const quotaPauseMs = 10 * 60_000;
/** Namespaces whose last event is remembered. */
const namespaces = 1000;
const absent = { value: undefined, version: undefined, writes: [] } as const;

/** The events that are stored until all webhooks that want them have them. */
export class Outbox implements EventJournal {
  readonly #parts: OutboxParts;
  readonly #ids = new EventIds();
  /** Events that are prepared: it is not certain yet that they happen. */
  readonly #prepared = new Set<string>();
  readonly #quotas = new LRUCache<string, true>({ max: namespaces, ttl: quotaPauseMs });
  onStored: StoredListener = () => {};

  constructor(parts: OutboxParts) {
    this.#parts = parts;
  }

  async note(event: RegistryEvent): Promise<void> {
    (await this.prepare(event)).confirm();
  }

  async prepare(event: RegistryEvent): Promise<PreparedEvent> {
    const { webhooks, source } = this.#parts;
    const names = webhooks()
      .filter((webhook) => webhook.wants(event))
      .map(({ name }) => name);
    if (names.length === 0 || this.#isRepeated(event)) return nothing;
    const id = this.#ids.next();
    const time = Date.now();
    const cloudEvent = cloudEventOf(event, { id, source: source(), time });
    const record = { event: cloudEvent, webhooks: names, since: time };
    this.#prepared.add(id);
    await this.#write(id, record);
    if (event.type === 'quota.reached') this.#quotas.set(event.namespace, true);
    return {
      confirm: () => {
        this.#prepared.delete(id);
        this.onStored(id, record, sizeOf(record));
      },
      takeBack: () => this.#drop(id),
    };
  }

  /** Puts an event in line again, behind all others; it may wait for other webhooks under its first key. */
  async putBack(record: EventRecord): Promise<void> {
    const key = this.#ids.next();
    await this.#write(key, record);
    this.onStored(key, record, sizeOf(record));
  }

  /** The events that wait and have happened, in their order. */
  async *waiting(options?: CallOptions): AsyncGenerator<ListedEvent, void, undefined> {
    for await (const { key, size } of this.#entries(options)) {
      const id = idOfEventKey(key);
      if (!this.#prepared.has(id)) yield { id, size };
    }
  }

  async figures(options?: CallOptions): Promise<WaitingFigures> {
    let [count, bytes] = [0, 0];
    let oldestAt: number | undefined;
    for await (const { id, size } of this.waiting(options)) {
      oldestAt ??= timeOfEventId(id);
      count += 1;
      bytes += size;
    }
    return { count, bytes, oldestAt };
  }

  /** Sends an event to a webhook that is stored nowhere, to try it. */
  async ping(
    webhook: Webhook,
    signal: AbortSignal,
  ): Promise<{ readonly event: CloudEvent; readonly answer: WebhookAnswer }> {
    const id = this.#ids.next();
    const event = pingOf({ id, source: this.#parts.source(), time: Date.now() }, webhook.name);
    const connection = new WebhookConnection(webhook.options);
    try {
      return { event, answer: await connection.send(event, signal) };
    } finally {
      connection.close();
    }
  }

  read(id: string): Promise<EventRecord | undefined> {
    return this.#parts.records.get<EventRecord>(keys.event(id));
  }

  /** Notes that only these webhooks have not got an event. */
  async keepFor(id: string, webhooks: ReadonlySet<string>): Promise<void> {
    await this.#parts.records.change<EventRecord>(
      keys.event(id),
      (record) =>
        record && { ...record, webhooks: record.webhooks.filter((name) => webhooks.has(name)) },
    );
  }

  /** Ids are never used again, so that no condition is needed. */
  async remove(id: string): Promise<void> {
    await this.#parts.store.delete(keys.event(id));
  }

  #entries(options?: CallOptions): AsyncIterable<ListedObject> {
    return this.#parts.records.entries(keys.events, options);
  }

  async #write(id: string, record: EventRecord): Promise<void> {
    try {
      if (await this.#parts.records.write(keys.event(id), record, absent)) return;
      throw new OciError('STORAGE_FAILED', `there is an event ${id} already`);
    } catch (error) {
      // Where the answer of the store was lost, it may be there.
      await this.#drop(id);
      throw error;
    }
  }

  async #drop(id: string): Promise<void> {
    // An event that stays is one that has not happened, and is delivered.
    await this.remove(id).catch(() => {});
    this.#prepared.delete(id);
  }

  #isRepeated(event: RegistryEvent): boolean {
    return event.type === 'quota.reached' && this.#quotas.has(event.namespace);
  }
}

function sizeOf(record: EventRecord): number {
  return Buffer.byteLength(JSON.stringify(record));
}

const nothing: PreparedEvent = { confirm: () => {}, takeBack: async () => {} };
