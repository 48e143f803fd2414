import { forEachConcurrent } from '@oci/spec-types/node';

import type { EventRecord } from './event-record.js';
import type { ListedEvent } from './outbox.js';
import { type PendingBounds, type PendingEvent, PendingEvents } from './pending-events.js';
import type { Webhook } from './webhook.js';
import { type SenderParts, WebhookSender } from './webhook-sender.js';
import type { WebhookStates } from './webhook-state.js';

export type DispatcherParts = Omit<SenderParts, 'pending' | 'isBehind'> & {
  readonly bounds: PendingBounds;
};

interface RunningSender {
  readonly sender: WebhookSender;
  readonly ended: Promise<void>;
  stop(): void;
}

/** Events that are read at the same time. */
const atOnce = 8;
/** Milliseconds for which events wait for a webhook that is not configured. */
const orphanMs = 3 * 24 * 60 * 60_000;

/** Brings the events of the outbox to the senders of webhooks, while this process is the one that delivers. */
export class Dispatcher {
  readonly pending: PendingEvents = new PendingEvents();
  readonly #parts: DispatcherParts;
  readonly #senders = new Map<string, RunningSender>();

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
  }

  get states(): WebhookStates {
    return Object.fromEntries(
      Array.from(this.#senders, ([name, { sender }]) => [name, sender.state]),
    );
  }

  /** Starts, changes and stops senders, so that there is one for each webhook. */
  update(webhooks: readonly Webhook[], before: WebhookStates): void {
    const names = new Set(webhooks.map(({ name }) => name));
    for (const [name, sender] of this.#senders) {
      if (names.has(name)) continue;
      sender.stop();
      this.#senders.delete(name);
    }
    for (const webhook of webhooks) {
      const running = this.#senders.get(webhook.name);
      if (running) running.sender.replace(webhook);
      else this.#senders.set(webhook.name, this.#start(webhook, before));
    }
  }

  /** Takes an event in that was just stored. */
  async add(id: string, record: EventRecord, size: number): Promise<void> {
    this.#take(id, record, size);
    await this.#dropExcess();
  }

  /** Looks for events that other processes have stored, or this one before it began to deliver. */
  async scan(signal: AbortSignal): Promise<void> {
    const { outbox } = this.#parts;
    const unknown: ListedEvent[] = [];
    for await (const event of outbox.waiting({ signal }))
      if (!this.pending.has(event.id)) unknown.push(event);
    await forEachConcurrent(
      unknown,
      async ({ id, size }) => {
        const record = await outbox.read(id);
        if (record) this.#take(id, record, size);
        // It is damaged, and nobody writes it again.
        else await outbox.remove(id);
      },
      { limit: atOnce, signal },
    );
    for (const event of this.pending.all()) await this.#tidy(event);
    await this.#dropExcess();
  }

  /** Ends when nothing is sent any more. */
  async stop(): Promise<void> {
    const running = [...this.#senders.values()];
    for (const sender of running) sender.stop();
    await Promise.all(running.map(({ ended }) => ended));
    for (const { id, webhooks, isStale } of this.pending.all())
      // What cannot be noted is delivered once more.
      if (isStale) await this.#parts.outbox.keepFor(id, webhooks).catch(() => {});
  }

  #start(webhook: Webhook, before: WebhookStates): RunningSender {
    const ending = new AbortController();
    const { pending } = this;
    const isBehind = (name: string): boolean => {
      const { failures = 1 } = this.#senders.get(name)?.sender.state ?? {};
      return failures > 0;
    };
    const parts = { ...this.#parts, pending, isBehind };
    const sender = new WebhookSender(webhook, parts, before[webhook.name]);
    return { sender, ended: sender.run(ending.signal), stop: () => ending.abort() };
  }

  #take(id: string, { webhooks, since }: EventRecord, size: number): void {
    this.pending.add({ id, webhooks: new Set(webhooks), since, size, isStale: false });
    for (const name of webhooks) this.#senders.get(name)?.sender.wake();
  }

  /** Removes an event that is delivered and could not be removed, or whose webhooks are not configured any more. */
  async #tidy({ id, webhooks, since }: PendingEvent): Promise<void> {
    const isOrphan = ![...webhooks].some((name) => this.#senders.has(name));
    if (webhooks.size > 0 && !(isOrphan && Date.now() - since > orphanMs)) return;
    await this.#parts.outbox.remove(id);
    this.pending.remove(id);
    if (webhooks.size > 0) this.#parts.metrics.droppedEvents.inc();
  }

  async #dropExcess(): Promise<void> {
    const { bounds, outbox, metrics, log } = this.#parts;
    const dropped = this.pending.takeExcess(bounds);
    if (dropped.length === 0) return;
    metrics.droppedEvents.inc(dropped.length);
    const [first] = dropped;
    log.error(
      { dropped: dropped.length, first, ...bounds },
      'dropped the oldest events: too many wait to be delivered',
    );
    for (const id of dropped) await outbox.remove(id);
  }
}
