/** A time that is ahead of the clock by more than this was told by a clock that is wrong, in milliseconds. */
const clockDistanceMs = 12 * 60 * 60_000;

/**
 * Tells whether an interval has passed since a time that another machine may have told. Clocks that differ make work
 * begin earlier or later, no more.
 *
 * @param at milliseconds since the epoch, as `now`
 */
export function hasPassed(at: number, intervalMs: number, now: number = Date.now()): boolean {
  return now - at >= intervalMs || at - now > clockDistanceMs;
}
