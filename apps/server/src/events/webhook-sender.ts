import { pauseBound } from '@oci/spec-types/retry';

import type { Metrics } from '../metrics/metrics.js';
import type { Outbox } from './outbox.js';
import { Pause } from './pause.js';
import type { PendingEvent, PendingEvents } from './pending-events.js';
import type { UndeliveredEvents } from './undelivered-events.js';
import type { Webhook } from './webhook.js';
import { type WebhookAnswer, WebhookConnection } from './webhook-request.js';
import type { WebhookState } from './webhook-state.js';

export interface DeliveryLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface SenderParts {
  readonly pending: PendingEvents;
  readonly outbox: Outbox;
  readonly undelivered: UndeliveredEvents;
  readonly metrics: Pick<Metrics, 'webhookDeliveries' | 'droppedEvents'>;
  readonly log: DeliveryLog;
  readonly pauses: SenderPauses;
  /** Cuts off what is being sent. */
  readonly cut: AbortSignal;
  /** Tells whether a webhook has failures, or is not known. */
  readonly isBehind: (webhook: string) => boolean;
}

/** Milliseconds. */
export interface SenderPauses {
  /** The first pause behind a failure is about this long; each further one about twice as long. */
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
  /** The longest that a receiver may ask to be left alone for. */
  readonly maxRetryAfterMs: number;
  /** After a failure of the storage. */
  readonly storageMs: number;
}

export const defaultPauses: SenderPauses = {
  baseDelayMs: 1000,
  maxDelayMs: 10 * 60_000,
  maxRetryAfterMs: 60 * 60_000,
  storageMs: 5000,
};

/** An event that is refused so often lets others pass. */
const patience = 5;

type Failure = Extract<WebhookAnswer, { isTaken: false }> & { readonly eventId: string };

/** How often a receiver has refused an event, and when it is offered again, by `performance.now()`. */
interface Refused {
  readonly times: number;
  readonly dueAt: number;
}

/**
 * Sends the events of one webhook, one after the other in their order. While the receiver fails it is left alone for
 * longer and longer, and the order is kept. An event that it refuses again and again, while it answers, is set aside
 * so that others can pass.
 */
export class WebhookSender {
  readonly #parts: SenderParts;
  readonly #pause = new Pause();
  readonly #refused = new Map<string, Refused>();
  #webhook: Webhook;
  #connection: WebhookConnection;
  #state: WebhookState;
  /** By `performance.now()`. */
  #pausedUntil = 0;

  constructor(webhook: Webhook, parts: SenderParts, state: WebhookState = { failures: 0 }) {
    this.#webhook = webhook;
    this.#parts = parts;
    this.#connection = new WebhookConnection(webhook.options);
    const { pausedUntil: _, ...kept } = state;
    this.#state = kept;
  }

  get state(): WebhookState {
    return this.#state;
  }

  /** Looks for events again. */
  wake(): void {
    this.#pause.wake();
  }

  /** Goes on with other options, at once: they may be what it failed for. */
  replace(webhook: Webhook): void {
    if (webhook === this.#webhook) return;
    this.#webhook = webhook;
    this.#connection.close();
    this.#connection = new WebhookConnection(webhook.options);
    this.#pausedUntil = 0;
    this.#refused.clear();
    this.wake();
  }

  /** Sends events until the signal fires; what is being sent then has its time. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const now = performance.now();
      const { event, dueAt } = this.#next(now);
      if (event && this.#pausedUntil <= now) {
        await this.#deliver(event).catch((error: unknown) => this.#onStorageFailure(error));
        continue;
      }
      const until = event ? this.#pausedUntil : dueAt;
      await this.#pause.wait(until === undefined ? undefined : Math.max(0, until - now), signal);
    }
    this.#connection.close();
  }

  #next(now: number): { readonly event?: PendingEvent; readonly dueAt?: number } {
    let dueAt: number | undefined;
    for (const event of this.#parts.pending.of(this.#webhook.name)) {
      const refused = this.#refused.get(event.id);
      if (!refused || refused.dueAt <= now) return { event };
      dueAt = Math.min(dueAt ?? Number.POSITIVE_INFINITY, refused.dueAt);
    }
    return dueAt === undefined ? {} : { dueAt };
  }

  async #deliver(event: PendingEvent): Promise<void> {
    const { outbox, pending, cut } = this.#parts;
    const record = await outbox.read(event.id);
    if (!record) return pending.remove(event.id);
    const answer = await this.#connection.send(record.event, cut);
    if (answer.isTaken) return this.#onTaken(event);
    // It is sent again after the next start.
    if (!cut.aborted) await this.#onFailure(event, { ...answer, eventId: record.event.id });
  }

  async #onTaken(event: PendingEvent): Promise<void> {
    const { name } = this.#webhook;
    const { outbox, pending, metrics, log, isBehind } = this.#parts;
    metrics.webhookDeliveries.inc({ webhook: name, result: 'delivered' });
    const { failures, lastFailure } = this.#state;
    if (failures > 0) log.info({ webhook: name, failures }, 'the webhook takes events again');
    this.#state = { failures: 0, deliveredAt: Date.now(), ...(lastFailure && { lastFailure }) };
    this.#refused.delete(event.id);
    event.webhooks.delete(name);
    if (event.webhooks.size === 0) {
      await outbox.remove(event.id);
      return pending.remove(event.id);
    }
    event.isStale = true;
    if ([...event.webhooks].some(isBehind)) await this.#save(event);
  }

  async #onFailure(event: PendingEvent, failure: Failure): Promise<void> {
    const { name } = this.#webhook;
    const { metrics, log, pauses, pending } = this.#parts;
    metrics.webhookDeliveries.inc({ webhook: name, result: 'failed' });
    const failures = this.#state.failures + 1;
    const asked = Math.min(failure.retryAfterMs ?? 0, pauses.maxRetryAfterMs);
    const pauseMs = asked > 0 ? asked : pauseOf(pauses, failures);
    const [now, { why, eventId }] = [Date.now(), failure];
    this.#pausedUntil = performance.now() + pauseMs;
    this.#state = {
      ...this.#state,
      failures,
      lastFailure: { at: now, event: eventId, why },
      pausedUntil: now + pauseMs,
    };
    log.warn({ webhook: name, event: eventId, why, failures, pauseMs }, 'webhook failed');
    if (failure.isRefused) this.#noteRefusal(event);
    // The others are behind it from now on.
    if (failures === 1)
      for (const each of pending.of(name)) if (each.isStale) await this.#save(each);
    await this.#giveUp(failure.isRefused ? [event] : [...pending.of(name)], why);
  }

  #noteRefusal({ id }: PendingEvent): void {
    for (const known of this.#refused.keys())
      if (!this.#parts.pending.has(known)) this.#refused.delete(known);
    const times = (this.#refused.get(id)?.times ?? 0) + 1;
    const pauseMs = times < patience ? 0 : pauseOf(this.#parts.pauses, times);
    this.#refused.set(id, { times, dueAt: performance.now() + pauseMs });
  }

  /** Gives events up that were tried for long enough, of which at least one has just failed. */
  async #giveUp(events: readonly PendingEvent[], why: string): Promise<void> {
    const { name, options } = this.#webhook;
    const { outbox, undelivered, pending, metrics, log } = this.#parts;
    const old = events.filter(({ since }) => Date.now() - since > options.giveUpMs);
    for (const event of old) {
      const record = await outbox.read(event.id);
      if (record)
        await undelivered.add({
          event: record.event,
          failures: { [name]: why },
          givenUpAt: Date.now(),
        });
      event.webhooks.delete(name);
      this.#refused.delete(event.id);
      metrics.webhookDeliveries.inc({ webhook: name, result: 'given_up' });
      log.error({ webhook: name, event: record?.event.id, why }, 'gave an event up');
      if (event.webhooks.size > 0) await this.#save(event);
      else {
        await outbox.remove(event.id);
        pending.remove(event.id);
      }
    }
    if (old.length > 0) metrics.droppedEvents.inc(await undelivered.trim());
  }

  async #save(event: PendingEvent): Promise<void> {
    await this.#parts.outbox.keepFor(event.id, event.webhooks);
    event.isStale = false;
  }

  #onStorageFailure(error: unknown): void {
    const { log, pauses } = this.#parts;
    log.error({ err: error, webhook: this.#webhook.name }, 'events cannot be read or written');
    const until = performance.now() + pauses.storageMs;
    this.#pausedUntil = Math.max(this.#pausedUntil, until);
  }
}

/** Between half of the bound and the bound, so that not all who failed together come back together. */
function pauseOf(pauses: SenderPauses, failures: number): number {
  return Math.round(pauseBound(pauses, failures) * (0.5 + Math.random() / 2));
}
