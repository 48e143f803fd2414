import type { LimitedNamespace } from './quota.js';
import type { Counted } from './quota-record.js';
import { type Reservation, ensureTimely } from './reservation.js';

/** What a link needs of the quotas. */
export interface LinkQuotaParts {
  /** Nobody else writes, so that what is not written after a failure never will be. */
  readonly isAlone: boolean;
  reserve(
    namespace: LimitedNamespace,
    bytes: number,
    options: { readonly onReserved: (() => void) | undefined },
  ): Promise<Reservation>;
  release(counted: Counted, summed: number): Promise<void>;
  summedOf(namespace: Counted['in']): Promise<number>;
}

/** What a link is for. */
export interface LinkedBytes {
  /** Bytes of the content. */
  readonly size: number;
  /** Is called when the bytes are taken from the quota, if they are. */
  readonly onReserved?: (() => void) | undefined;
}

/** How one link is counted that is about to be written, which takes its bytes from the quota at most once. */
export class LinkQuota {
  readonly #quotas: LinkQuotaParts;
  readonly #namespace: LimitedNamespace | undefined;
  readonly #end: () => void;
  #reservation: Reservation | undefined;
  /** Of the link that is replaced, when it is counted elsewhere. */
  #replaced: { readonly counted: Counted; readonly summed: number } | undefined;

  constructor(
    quotas: LinkQuotaParts,
    namespace: LimitedNamespace | undefined,
    end: () => void = () => {},
  ) {
    this.#quotas = quotas;
    this.#namespace = namespace;
    this.#end = end;
  }

  /**
   * Returns how a link is to be counted in place of one that was seen.
   *
   * @throws QuotaExceeded, QuotaUncounted, OciError `TIMEOUT`
   */
  async counted(
    before: Counted | undefined,
    { size, onReserved }: LinkedBytes,
  ): Promise<Counted | undefined> {
    this.#replaced = undefined;
    if (!this.#namespace || before?.in === this.#namespace.name) return before;
    if (before)
      this.#replaced = { counted: before, summed: await this.#quotas.summedOf(before.in) };
    this.#reservation ??= await this.#quotas.reserve(this.#namespace, size, { onReserved });
    ensureTimely(this.#reservation);
    return this.#reservation.counted;
  }

  /** Gives back what is not needed, now that the link is written. */
  async written(counted: Counted | undefined): Promise<void> {
    const reservation = this.#reservation;
    if (reservation && counted !== reservation.counted)
      await this.#quotas.release(reservation.counted, reservation.summed);
    else if (reservation && this.#replaced)
      await this.#quotas.release(this.#replaced.counted, this.#replaced.summed);
  }

  /**
   * Gives back what was reserved for a link that could not be written, where that is certain; otherwise it stays
   * until a recount.
   */
  async failed(read: () => Promise<Counted | undefined>): Promise<void> {
    const reservation = this.#reservation;
    if (!reservation || !this.#quotas.isAlone || (await read()) !== undefined) return;
    await this.#quotas.release(reservation.counted, reservation.summed);
  }

  /** Says that nothing more is written. */
  end(): void {
    this.#reservation?.end();
    this.#end();
  }
}
