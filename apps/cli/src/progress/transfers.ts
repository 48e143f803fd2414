import type { CopyAllEvent } from '@oci/client/copy';
import type { Digest, TransferEvent } from '@oci/spec-types';
import { printable } from '@oci/spec-types/text';

import { shortDigest } from '../render/quantity.js';

/** How far a blob has come. Bytes and milliseconds. */
export interface Transfer {
  readonly digest: Digest;
  readonly title: string | undefined;
  readonly size: number;
  readonly startedAt: number;
  done: number;
  /** Where this process began: what was there already is no speed. */
  from: number;
  /** What happens to it in place of moving. */
  state: 'moving' | 'joined' | 'verifying';
  /** Moments of the last seconds and what was there then. */
  readonly samples: { at: number; done: number }[];
}

/** The title of a blob, or as much of its digest as tells it from others. */
export function nameOf({ title, digest }: Pick<Transfer, 'title' | 'digest'>): string {
  return printable(title ?? shortDigest(digest));
}

/** What everything waits for, until when. */
export interface Pause {
  readonly reason: string;
  readonly until: number;
}

const windowMs = 5_000;
const sampleMs = 200;

/** What is on its way, out of the events of a transfer: all that a display needs. */
export class Transfers {
  readonly #now: () => number;
  readonly #active = new Map<string, Transfer>();
  #pause: Pause | undefined;

  /** @param now milliseconds of a clock that only goes forward */
  constructor(now: () => number) {
    this.#now = now;
  }

  get active(): readonly Transfer[] {
    return [...this.#active.values()];
  }

  /** Undefined when its time is over, or something moved since. */
  get pause(): Pause | undefined {
    return this.#pause && this.#pause.until > this.#now() ? this.#pause : undefined;
  }

  /** Takes an event in. @returns the transfer that it ended */
  add(event: CopyAllEvent): Transfer | undefined {
    switch (event.type) {
      case 'start':
        this.#start(event, 'moving');
        return undefined;
      case 'joined':
        this.#start(event, 'joined');
        return undefined;
      case 'cached':
        this.#active.delete(event.digest);
        return undefined;
      case 'resume':
        this.#resume(event);
        return undefined;
      case 'bytes':
        this.#moved(event);
        return undefined;
      case 'verify':
        this.#verify(event.digest);
        return undefined;
      case 'done':
        return this.#end(event);
      case 'retry':
        this.#wait(event.delayMs, `trying again (attempt ${event.attempt}): ${event.reason}`);
        return undefined;
      case 'wait':
        this.#wait(event.delayMs, `${event.host} wants a pause: ${event.reason}`);
        return undefined;
      default:
        return undefined;
    }
  }

  /** Bytes a second over the last seconds. */
  rate(transfer: Transfer): number {
    const first = transfer.samples[0];
    if (!first) return 0;
    const elapsed = this.#now() - first.at;
    return elapsed <= 0 ? 0 : Math.max(0, ((transfer.done - first.done) * 1000) / elapsed);
  }

  /** How long nothing came. */
  stalledMs(transfer: Transfer): number {
    return this.#now() - (transfer.samples.at(-1)?.at ?? transfer.startedAt);
  }

  /** Until the end, at the speed of the last seconds. */
  leftMs(transfer: Transfer): number | undefined {
    const rate = this.rate(transfer);
    return rate > 0 ? ((transfer.size - transfer.done) * 1000) / rate : undefined;
  }

  elapsedMs(transfer: Transfer): number {
    return this.#now() - transfer.startedAt;
  }

  #start(
    event: { readonly digest: Digest; readonly size: number; readonly title?: string },
    state: Transfer['state'],
  ): void {
    const startedAt = this.#now();
    this.#active.set(event.digest, {
      digest: event.digest,
      title: event.title,
      size: event.size,
      startedAt,
      done: 0,
      from: 0,
      state,
      samples: [{ at: startedAt, done: 0 }],
    });
  }

  #resume({ digest, offset }: Extract<TransferEvent, { type: 'resume' }>): void {
    const transfer = this.#active.get(digest);
    if (!transfer) return;
    if (transfer.done === 0) transfer.from = offset;
    transfer.done = offset;
    transfer.samples.splice(0, Infinity, { at: this.#now(), done: offset });
  }

  #moved({ digest, done }: Extract<TransferEvent, { type: 'bytes' }>): void {
    const transfer = this.#active.get(digest);
    if (!transfer) return;
    const at = this.#now();
    transfer.done = done;
    transfer.state = 'moving';
    this.#pause = undefined;
    const last = transfer.samples.at(-1);
    if (last && at - last.at < sampleMs && transfer.samples.length > 1) return;
    transfer.samples.push({ at, done });
    while ((transfer.samples[1]?.at ?? at) < at - windowMs) transfer.samples.shift();
  }

  #verify(digest: Digest): void {
    const transfer = this.#active.get(digest);
    if (transfer) transfer.state = 'verifying';
  }

  #end({ digest, size }: Extract<TransferEvent, { type: 'done' }>): Transfer | undefined {
    const transfer = this.#active.get(digest);
    if (!transfer) return undefined;
    this.#active.delete(digest);
    this.#pause = undefined;
    transfer.done = size;
    return transfer;
  }

  #wait(delayMs: number, reason: string): void {
    this.#pause = { reason, until: this.#now() + delayMs };
  }
}
