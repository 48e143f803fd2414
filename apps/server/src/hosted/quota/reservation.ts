import { OciError } from '@oci/spec-types';

import type { Counted } from './quota-record.js';

/**
 * How long bytes may be reserved until their link is written, in milliseconds. A recount takes what was reserved half
 * a day longer ago for what a process has left that died.
 */
export const maxReservedMs: number = 60 * 60_000;

/** Bytes that were taken from a quota for a link that is not written yet. */
export interface Reservation {
  readonly counted: Counted;
  /** See {@link withReleased}. */
  readonly summed: number;
  /** Of `performance.now()`. */
  readonly reservedAt: number;
  /** Says that the link is there, or will never be. */
  end(): void;
}

/** @throws OciError `TIMEOUT` for bytes that a recount may take for left */
export function ensureTimely({ reservedAt, counted }: Reservation): void {
  if (performance.now() - reservedAt <= maxReservedMs) return;
  throw new OciError('TIMEOUT', `the quota of ${counted.in} was asked too long ago: push again`);
}

/** The reservations that this process has not ended. */
export class OpenReservations {
  readonly #open = new Set<Promise<void>>();

  /** @returns a function that ends it */
  begin(): () => void {
    let end = (): void => {};
    const ended = new Promise<void>((resolve) => (end = resolve));
    this.#open.add(ended);
    return () => {
      this.#open.delete(ended);
      end();
    };
  }

  /** Settles when all that are open now have ended. */
  async allEnded(): Promise<void> {
    await Promise.all(this.#open);
  }
}
