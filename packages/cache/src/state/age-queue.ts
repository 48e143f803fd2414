import type { Markers } from './markers.js';

/** An entry of a queue: what it is called, and what was noted with it. */
export interface QueueEntry {
  readonly hour: string;
  readonly id: string;
  readonly text: string;
}

/**
 * Things by the hour in which something happened to them, oldest first, so that looking for the oldest
 * costs as much as there are old ones. An entry that was noted again later may still stand under its
 * earlier hour: whoever takes it looks at the thing itself, and strikes what is outdated.
 */
export class AgeQueue {
  readonly #markers: Markers;

  constructor(markers: Markers) {
    this.#markers = markers;
  }

  async add(id: string, at: number, text = ''): Promise<void> {
    await this.#markers.add(`${hourOf(at)}/${id}`, text);
  }

  async remove(id: string, hour: string): Promise<void> {
    await this.#markers.remove(`${hour}/${id}`);
  }

  /** Entries of hours up to, and with, the one of `until`. @param until milliseconds since the epoch */
  async *oldest(until: number): AsyncGenerator<QueueEntry, void, undefined> {
    const last = hourOf(until);
    for (const hour of await this.#markers.names()) {
      if (hour > last) return;
      for (const id of await this.#markers.names(hour)) {
        const text = await this.#markers.read(`${hour}/${id}`);
        if (text !== undefined) yield { hour, id, text };
      }
      await this.#markers.removeEmpty(hour);
    }
  }
}

const latest = Date.UTC(9999, 11, 31);

/** @param at milliseconds since the epoch; a clock that is far off stays within what sorts as text */
export function hourOf(at: number): string {
  const sane = Math.min(Math.max(Number.isFinite(at) ? at : 0, 0), latest);
  return new Date(sane).toISOString().slice(0, 13);
}
