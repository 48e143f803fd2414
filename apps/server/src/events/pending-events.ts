/** The record of an event that is to be delivered. */
export interface PendingEvent {
  readonly id: string;
  /** Webhooks that have not got it. */
  readonly webhooks: Set<string>;
  /** Milliseconds since the epoch since when it is to be delivered. */
  readonly since: number;
  /** Bytes of its record. */
  readonly size: number;
  /** Whether its record names webhooks that have got it. */
  isStale: boolean;
}

/** Bounds of the events that wait. */
export interface PendingBounds {
  readonly events: number;
  readonly bytes: number;
}

/** The events that one process delivers, in their order. */
export class PendingEvents {
  readonly #byId = new Map<string, PendingEvent>();
  #ids: string[] = [];
  #bytes = 0;

  get count(): number {
    return this.#ids.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The id of the oldest one. */
  get oldest(): string | undefined {
    return this.#ids[0];
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  add(event: PendingEvent): void {
    if (this.#byId.has(event.id)) return;
    this.#byId.set(event.id, event);
    this.#bytes += event.size;
    // Nearly all come in their order; those of other processes may be a little late.
    let at = this.#ids.length;
    while (at > 0 && (this.#ids[at - 1] ?? '') > event.id) at -= 1;
    this.#ids.splice(at, 0, event.id);
  }

  remove(id: string): void {
    const event = this.#byId.get(id);
    if (!event) return;
    this.#byId.delete(id);
    this.#bytes -= event.size;
    this.#ids.splice(this.#ids.indexOf(id), 1);
  }

  /** Those that a webhook has not got, in their order. */
  *of(webhook: string): Generator<PendingEvent, void, undefined> {
    for (const id of this.#ids) {
      const event = this.#byId.get(id);
      if (event?.webhooks.has(webhook)) yield event;
    }
  }

  *all(): Generator<PendingEvent, void, undefined> {
    yield* this.#byId.values();
  }

  /** Takes out the oldest ones until the rest is within bounds. @returns their ids */
  takeExcess({ events, bytes }: PendingBounds): readonly string[] {
    const taken: string[] = [];
    while (this.#ids.length > events || (this.#bytes > bytes && this.#ids.length > 1)) {
      const [id = ''] = this.#ids;
      this.remove(id);
      taken.push(id);
    }
    return taken;
  }
}
