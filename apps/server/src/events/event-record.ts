import type { CloudEvent } from './cloud-event.js';

/**
 * The content of `v2/events/<id>`: an event, and who has to get it. The id of the key is that of the event, except
 * for one that was put in line again.
 */
export interface EventRecord {
  readonly event: CloudEvent;
  /** Names of the webhooks that have not got it. */
  readonly webhooks: readonly string[];
  /** Milliseconds since the epoch since when it is to be delivered. */
  readonly since: number;
}

/** The content of `v2/undelivered/<id>`: an event that was given up. */
export interface UndeliveredRecord {
  readonly event: CloudEvent;
  /** Why it was given up, by the name of the webhook. */
  readonly failures: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  readonly givenUpAt: number;
}
