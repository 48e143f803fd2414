import type { UndeliveredRecord } from '../events/event-record.js';
import type { Webhook } from '../events/webhook.js';
import type { WebhookState } from '../events/webhook-state.js';
import { Refusal } from '../http/refusal.js';
import type { CallerContext } from '../http/request-context.js';
import type { ServerParts } from '../server-parts.js';
import type { ApiCall, Handlers } from './endpoint.js';
import type {
  EventsJson,
  PingWebhookJson,
  PingWebhookRequest,
  UndeliveredJson,
  WebhookJson,
} from './json/event-json.js';

/** Undelivered events that one answer lists. */
const listed = 100;

export function eventHandlers(
  parts: ServerParts,
): Handlers<'getEvents' | 'retryEvents' | 'pingWebhook'> {
  const { gate, events } = parts;
  return {
    async getEvents(_, { context, signal }) {
      gate.require(context, 'observe');
      return eventsJson(parts, signal);
    },
    async retryEvents({ ids }, { context, signal }) {
      gate.require(context, 'admin');
      const retried = await events.undelivered.retry(events.outbox, ids, { signal });
      note(parts, context, `${retried} events are delivered again`);
      return { retried };
    },
    pingWebhook: (request, call) => pingWebhook(parts, request, call),
  };
}

async function eventsJson({ events }: ServerParts, signal: AbortSignal): Promise<EventsJson> {
  const { outbox, undelivered, delivery } = events;
  const [waiting, { isDelivering, webhooks }, givenUp] = await Promise.all([
    outbox.figures({ signal }),
    delivery.status(),
    undelivered.list(listed, { signal }),
  ]);
  return {
    pending: waiting.count,
    pending_bytes: waiting.bytes,
    oldest_pending_at: timeOf(waiting.oldestAt),
    delivering: isDelivering,
    webhooks: events.webhooks().map((webhook) => webhookJson(webhook, webhooks[webhook.name])),
    undelivered: givenUp.count,
    undelivered_events: givenUp.newest.map(undeliveredJson),
  };
}

function webhookJson({ options }: Webhook, state: WebhookState = { failures: 0 }): WebhookJson {
  const { lastFailure, pausedUntil } = state;
  return {
    name: options.name,
    events: options.events,
    repositories: options.repositories,
    failures: state.failures,
    last_delivered_at: timeOf(state.deliveredAt),
    last_failure: lastFailure
      ? {
          at: new Date(lastFailure.at).toISOString(),
          event: lastFailure.event,
          reason: lastFailure.why,
        }
      : null,
    paused_until: timeOf(
      pausedUntil !== undefined && pausedUntil > Date.now() ? pausedUntil : undefined,
    ),
  };
}

function undeliveredJson({ event, failures, givenUpAt }: UndeliveredRecord): UndeliveredJson {
  const { id, type, subject = null, time } = event;
  return { id, type, subject, time, given_up_at: new Date(givenUpAt).toISOString(), failures };
}

async function pingWebhook(
  parts: ServerParts,
  request: PingWebhookRequest,
  { context, signal }: ApiCall,
): Promise<PingWebhookJson> {
  parts.gate.require(context, 'admin');
  const { webhooks, outbox } = parts.events;
  const webhook = webhooks().find(({ name }) => name === request.webhook);
  if (!webhook)
    throw new Refusal(404, 'NOT_FOUND', `there is no webhook ${request.webhook}`, {
      hint: 'GET /api/v1/oci/storage/events lists them.',
    });
  const startedAt = performance.now();
  const { event, answer } = await outbox.ping(webhook, signal);
  note(parts, context, `sent ${event.id} to the webhook ${webhook.name}`);
  return {
    event: event.id,
    delivered: answer.isTaken,
    status: answer.status ?? null,
    reason: answer.isTaken ? null : answer.why,
    duration_ms: Math.round(performance.now() - startedAt),
  };
}

function note(parts: ServerParts, context: CallerContext, detail: string): void {
  parts.audit?.record({
    event: 'storage',
    result: 'ok',
    who: context.who,
    client: context.client,
    request_id: context.id,
    detail,
  });
}

function timeOf(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
