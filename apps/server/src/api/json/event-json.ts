import * as z from 'zod';

/** The events of the server that wait, or could not be delivered. Times are RFC 3339. */
export interface EventsJson {
  /** Events that wait for a webhook. */
  readonly pending: number;
  readonly pending_bytes: number;
  readonly oldest_pending_at: string | null;
  /** Whether the process that answers is the one that delivers. */
  readonly delivering: boolean;
  readonly webhooks: readonly WebhookJson[];
  /** Events that were given up. */
  readonly undelivered: number;
  /** The last 100 of them. */
  readonly undelivered_events: readonly UndeliveredJson[];
}

export interface WebhookJson {
  readonly name: string;
  readonly events: readonly string[];
  readonly repositories: readonly string[];
  /** Failures since the last event that it took. */
  readonly failures: number;
  readonly last_delivered_at: string | null;
  readonly last_failure: {
    readonly at: string;
    readonly event: string;
    readonly reason: string;
  } | null;
  /** When it is tried again. */
  readonly paused_until: string | null;
}

export interface UndeliveredJson {
  readonly id: string;
  readonly type: string;
  readonly subject: string | null;
  readonly time: string;
  readonly given_up_at: string;
  /** Why, by the name of the webhook. */
  readonly failures: Readonly<Record<string, string>>;
}

export interface RetryEventsRequest {
  /** Ids of events; all that were given up when absent. */
  readonly ids?: readonly string[] | undefined;
}

export interface PingWebhookRequest {
  /** Its name. */
  readonly webhook: string;
}

export interface PingWebhookJson {
  readonly event: string;
  readonly delivered: boolean;
  /** Null when it did not answer. */
  readonly status: number | null;
  readonly reason: string | null;
  readonly duration_ms: number;
}

const count = z.int().nonnegative();
const time = z.string();

export const eventsJsonSchema: z.ZodType<EventsJson> = z.object({
  pending: count,
  pending_bytes: count,
  oldest_pending_at: time.nullable(),
  delivering: z.boolean(),
  webhooks: z.array(
    z.object({
      name: z.string(),
      events: z.array(z.string()),
      repositories: z.array(z.string()),
      failures: count,
      last_delivered_at: time.nullable(),
      last_failure: z.object({ at: time, event: z.string(), reason: z.string() }).nullable(),
      paused_until: time.nullable(),
    }),
  ),
  undelivered: count,
  undelivered_events: z.array(
    z.object({
      id: z.string(),
      type: z.string(),
      subject: z.string().nullable(),
      time,
      given_up_at: time,
      failures: z.record(z.string(), z.string()),
    }),
  ),
});

export const retryEventsRequestSchema: z.ZodType<RetryEventsRequest> = z.strictObject({
  ids: z.array(z.uuid()).max(1000).optional(),
});

export const retriedJsonSchema: z.ZodType<{ readonly retried: number }> = z.object({
  retried: count,
});

export const pingWebhookRequestSchema: z.ZodType<PingWebhookRequest> = z.strictObject({
  webhook: z.string().min(1).max(64),
});

export const pingWebhookJsonSchema: z.ZodType<PingWebhookJson> = z.object({
  event: z.string(),
  delivered: z.boolean(),
  status: z.int().nullable(),
  reason: z.string().nullable(),
  duration_ms: z.number().nonnegative(),
});
