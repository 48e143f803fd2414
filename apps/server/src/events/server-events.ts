import { isDeepStrictEqual } from 'node:util';

import type { ObjectStore } from '@oci/cache';

import { Records } from '../hosted/records.js';
import { Task } from '../hosted/task-record.js';
import type { Metrics } from '../metrics/metrics.js';
import { Delivery, type DeliveryOptions, type DeliveryState } from './delivery.js';
import { Outbox } from './outbox.js';
import { UndeliveredEvents } from './undelivered-events.js';
import { type EventOptions, Webhook } from './webhook.js';
import type { DeliveryLog } from './webhook-sender.js';

/** The events of a server: where they are stored, and how they get to webhooks. */
export interface ServerEvents {
  readonly outbox: Outbox;
  readonly undelivered: UndeliveredEvents;
  readonly delivery: Delivery;
  /** The present ones. */
  readonly webhooks: () => readonly Webhook[];
  /** The `source` of events. */
  readonly source: () => string;
}

export interface ServerEventsOptions {
  readonly store: ObjectStore;
  /** Whether other processes use the store. */
  readonly isShared: boolean;
  readonly webhooks: () => readonly Webhook[];
  readonly source: () => string;
  readonly metrics: Pick<Metrics, 'webhookDeliveries' | 'droppedEvents'>;
  readonly log: DeliveryLog;
  readonly onDamagedRecord?: ((key: string) => void) | undefined;
  readonly delivery?: DeliveryOptions | undefined;
}

export function createServerEvents(options: ServerEventsOptions): ServerEvents {
  const { store, webhooks, source, metrics, log } = options;
  const records = new Records(store, options.onDamagedRecord);
  const outbox = new Outbox({ store, records, webhooks, source });
  const undelivered = new UndeliveredEvents(store, records);
  const { beatMs } = options.delivery ?? {};
  const times = beatMs === undefined ? undefined : { beatMs, missed: 6 };
  const task = options.isShared ? new Task<DeliveryState>(records, 'delivery', times) : undefined;
  const parts = { outbox, undelivered, metrics, log, webhooks, task };
  const delivery = new Delivery(parts, options.delivery);
  return { outbox, undelivered, delivery, webhooks, source };
}

/** The webhooks of the options; the same ones as before where nothing has changed. */
export function webhooksOf(
  options: EventOptions | undefined,
  before: readonly Webhook[] = [],
): readonly Webhook[] {
  return (options?.webhooks ?? []).map(
    (each) => before.find((known) => isDeepStrictEqual(known.options, each)) ?? new Webhook(each),
  );
}
