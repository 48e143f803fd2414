import { coversRepository } from '../name-pattern.js';
import type { DeliveryOptions } from './delivery.js';
import type { RegistryEvent } from './journal.js';

/** Groups of events that a webhook can ask for. */
export const eventGroups = ['push', 'delete', 'quota'] as const;

type EventGroup = (typeof eventGroups)[number];

/** Where events are sent, and which. */
export interface WebhookOptions {
  /** Stands for it in logs, metrics and records, as a URL may hold a secret. */
  readonly name: string;
  /** Of `https`, or `http`. */
  readonly url: string;
  readonly events: readonly EventGroup[];
  /** Patterns of repositories, as rules have them: `team` with all below it, `*` for all. */
  readonly repositories: readonly string[];
  /** Keys of signatures: one, or two while one takes the place of the other. */
  readonly secrets: readonly Uint8Array[];
  /** The header of that name. */
  readonly authorization?: string | undefined;
  /** PEM of authorities that are trusted besides the system's. */
  readonly ca?: string | undefined;
  /** Milliseconds from the connection to the end of the answer. */
  readonly timeoutMs: number;
  /** Milliseconds for which an event is tried. */
  readonly giveUpMs: number;
}

/** The events of a server, and who is told of them. */
export interface EventOptions {
  /** The `source` of events, a URI reference. */
  readonly source: string;
  readonly webhooks: readonly WebhookOptions[];
  /** Times and bounds of the delivery; read at the start. */
  readonly delivery?: DeliveryOptions | undefined;
}

/** A webhook that was configured. */
export class Webhook {
  readonly options: WebhookOptions;

  constructor(options: WebhookOptions) {
    this.options = options;
  }

  get name(): string {
    return this.options.name;
  }

  wants({ type, repository }: Pick<RegistryEvent, 'type' | 'repository'>): boolean {
    const { events, repositories } = this.options;
    return (
      events.includes(groups[type]) &&
      repositories.some((pattern) => coversRepository(pattern, repository))
    );
  }
}

const groups: Readonly<Record<RegistryEvent['type'], EventGroup>> = {
  'manifest.pushed': 'push',
  'manifest.deleted': 'delete',
  'tag.deleted': 'delete',
  'quota.reached': 'quota',
};
