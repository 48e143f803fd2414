import type { Task } from '../hosted/task-record.js';
import { Dispatcher, type DispatcherParts } from './dispatcher.js';
import { timeOfEventId } from './event-id.js';
import { Pause } from './pause.js';
import type { PendingBounds } from './pending-events.js';
import type { Webhook } from './webhook.js';
import { type SenderPauses, defaultPauses } from './webhook-sender.js';
import type { WebhookStates } from './webhook-state.js';

/** What the process that delivers tells others, in the record of its task. */
export interface DeliveryState {
  readonly webhooks: WebhookStates;
}

export interface DeliveryOptions {
  /** Milliseconds between two looks for events of other processes. Default 5 s, or 60 s where there are none. */
  readonly pollMs?: number | undefined;
  /** Milliseconds between two signs of life of the process that delivers. Default 10 s. */
  readonly beatMs?: number | undefined;
  readonly pauses?: Partial<SenderPauses> | undefined;
  readonly bounds?: Partial<PendingBounds> | undefined;
}

export interface DeliveryParts extends Pick<
  DispatcherParts,
  'outbox' | 'undelivered' | 'metrics' | 'log'
> {
  /** The present ones. */
  readonly webhooks: () => readonly Webhook[];
  /** Lets one process of several deliver; absent for a storage with one process. */
  readonly task?: Pick<Task<DeliveryState>, 'run' | 'status'> | undefined;
}

/** How far delivery is, as far as this process knows. */
export interface DeliveryStatus {
  /** Whether this process is the one that delivers. */
  readonly isDelivering: boolean;
  readonly webhooks: WebhookStates;
}

/** Figures of the events that wait; none in a process that does not deliver. */
export interface PendingFigures {
  readonly count: number;
  readonly bytes: number;
  /** Milliseconds since the epoch. */
  readonly oldestAt: number | undefined;
}

const defaultBounds: PendingBounds = { events: 10_000, bytes: 64 * 1024 * 1024 };
/** Events of one page of a list: who looks for many does so less often. */
const pageSize = 1000;

/** Delivers the events of the outbox, in one process at a time. */
export class Delivery {
  readonly #parts: DeliveryParts;
  readonly #options: DeliveryOptions;
  readonly #pause = new Pause();
  readonly #ending = new AbortController();
  readonly #cutting = new AbortController();
  /** While this process delivers. */
  #dispatcher: Dispatcher | undefined;
  #lastStates: WebhookStates = {};
  #running: Promise<void> = Promise.resolve();

  constructor(parts: DeliveryParts, options: DeliveryOptions = {}) {
    this.#parts = parts;
    this.#options = options;
    parts.outbox.onStored = (id, record, size) =>
      this.#dispatcher?.add(id, record, size).catch((error: unknown) => this.#warn(error));
  }

  get figures(): PendingFigures {
    const { count = 0, bytes = 0, oldest } = this.#dispatcher?.pending ?? {};
    return { count, bytes, oldestAt: oldest === undefined ? undefined : timeOfEventId(oldest) };
  }

  start(): void {
    this.#running = this.#run(this.#ending.signal);
  }

  /** Goes on with the webhooks that are configured now. */
  update(): void {
    this.#dispatcher?.update(this.#parts.webhooks(), this.#lastStates);
    this.#pause.wake();
  }

  async status(): Promise<DeliveryStatus> {
    const { task } = this.#parts;
    if (this.#dispatcher) return { isDelivering: true, webhooks: this.#dispatcher.states };
    const { state } = (await task?.status()) ?? {};
    return { isDelivering: false, webhooks: state?.webhooks ?? this.#lastStates };
  }

  /** Ends; what is being sent has so many milliseconds. */
  async close(graceMs: number): Promise<void> {
    this.#ending.abort();
    const timer = setTimeout(() => this.#cutting.abort(), graceMs);
    await this.#running;
    clearTimeout(timer);
  }

  get #isWanted(): boolean {
    return this.#parts.webhooks().length > 0;
  }

  get #pollMs(): number {
    const { pollMs = this.#parts.task ? 5000 : 60_000 } = this.#options;
    return pollMs * Math.max(1, Math.ceil(this.figures.count / pageSize));
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { task } = this.#parts;
    while (!signal.aborted) {
      try {
        if (this.#isWanted && task)
          await task.run((lease) => this.#lead(lease.signal, (state) => lease.save(state)), {
            signal,
          });
        else if (this.#isWanted) await this.#lead(signal);
      } catch (error) {
        if (!signal.aborted) this.#warn(error);
      }
      await this.#pause.wait(this.#isWanted ? this.#pollMs : undefined, signal);
    }
  }

  /** Delivers until the signal fires, or no webhook is left. */
  async #lead(signal: AbortSignal, save?: (state: DeliveryState) => Promise<void>): Promise<void> {
    const { outbox, undelivered, metrics, log } = this.#parts;
    const pauses = { ...defaultPauses, ...this.#options.pauses };
    const bounds = { ...defaultBounds, ...this.#options.bounds };
    const cut = this.#cutting.signal;
    const parts = { outbox, undelivered, metrics, log, pauses, bounds, cut };
    const dispatcher = (this.#dispatcher = new Dispatcher(parts));
    let saved = '';
    try {
      while (!signal.aborted && this.#isWanted) {
        dispatcher.update(this.#parts.webhooks(), this.#lastStates);
        await dispatcher.scan(signal);
        const state = { webhooks: dispatcher.states };
        const text = JSON.stringify(state);
        if (text !== saved) await save?.(state);
        saved = text;
        await this.#pause.wait(this.#pollMs, signal);
      }
    } finally {
      this.#lastStates = { ...this.#lastStates, ...dispatcher.states };
      await dispatcher.stop();
      this.#dispatcher = undefined;
    }
  }

  #warn(error: unknown): void {
    this.#parts.log.warn({ err: error }, 'events cannot be delivered for now');
  }
}
