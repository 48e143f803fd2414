import { randomBytes, randomInt } from 'node:crypto';

/** Ids that fit into one millisecond. */
const mostInOne = 0x1000;

/**
 * Makes ids of events: UUIDs of version 7 (RFC 9562, section 5.7), of which each is greater than the one before it,
 * so that keys of events are in the order in which the events were noted.
 */
export class EventIds {
  #ms = 0;
  #count = 0;

  next(now: number = Date.now()): string {
    if (now > this.#ms) {
      this.#ms = now;
      this.#count = randomInt(mostInOne / 2);
    } else if ((this.#count += 1) >= mostInOne) {
      this.#ms += 1;
      this.#count = 0;
    }
    const ms = this.#ms.toString(16).padStart(12, '0');
    const count = this.#count.toString(16).padStart(3, '0');
    const random = randomBytes(8);
    random[0] = 0x80 | ((random[0] ?? 0) & 0x3f);
    const hex = random.toString('hex');
    return `${ms.slice(0, 8)}-${ms.slice(8)}-7${count}-${hex.slice(0, 4)}-${hex.slice(4)}`;
  }
}

/** Milliseconds since the epoch at which an id was made; undefined for another text. */
export function timeOfEventId(id: string): number | undefined {
  const [, high, low] = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-/.exec(id) ?? [];
  return high === undefined ? undefined : Number.parseInt(`${high}${low}`, 16);
}
