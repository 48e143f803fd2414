import { hasPassed } from '../interval.js';
import type { Verification } from './verification.js';

/** How often it is asked whether a verification is due, in milliseconds. */
const lookEveryMs = 60 * 60_000;

export interface ScheduleOptions {
  readonly verification: Pick<Verification, 'status'>;
  /** Milliseconds between the beginnings of two passes; 0 for none. Asked for at each look. */
  readonly intervalMs: () => number;
  readonly run: (call: { readonly signal: AbortSignal }) => Promise<unknown>;
  readonly onFailure: (error: unknown) => void;
}

/**
 * Tells whether a pass was stopped, or is due.
 *
 * @param now milliseconds since the epoch
 */
export async function isVerificationDue(
  verification: Pick<Verification, 'status'>,
  intervalMs: number,
  now?: number,
): Promise<boolean> {
  if (intervalMs <= 0) return false;
  const { pass, last, runningSince } = await verification.status();
  // One that runs is left alone by who tries, unless its process has died.
  if (pass !== undefined || runningSince !== undefined || last === undefined) return true;
  return hasPassed(last.startedAt, intervalMs, now);
}

/**
 * Verifies when it is due, again and again; nothing at once, so that a start reads nothing.
 *
 * @returns a function that ends it, and settles when nothing runs any more
 */
export function scheduleVerification(options: ScheduleOptions): () => Promise<void> {
  const { verification, intervalMs, run, onFailure } = options;
  const ending = new AbortController();
  const { signal } = ending;
  let running: Promise<void> | undefined;
  const look = async (): Promise<void> => {
    try {
      if (await isVerificationDue(verification, intervalMs())) await run({ signal });
    } catch (error) {
      if (!signal.aborted) onFailure(error);
    }
  };
  const timer = setInterval(() => {
    running ??= look().finally(() => (running = undefined));
  }, lookEveryMs).unref();
  return async () => {
    ending.abort();
    clearInterval(timer);
    await running;
  };
}
