import { type Bench, bodyOf } from './bench.js';
import type { Finding } from './check.js';

/** Seconds of distance that are worth a word, and with which requests to S3 are refused. */
const worthSaying = 60;
const refused = 15 * 60;

interface Distance {
  /** Seconds that the storage is ahead of us. */
  readonly seconds: number;
  readonly of: string;
}

/** Compares the clock of the service, and of what writes the times of objects, with ours. */
export async function checkClock({ one, two, service, signal }: Bench): Promise<Finding> {
  const distances: Distance[] = [];
  const told = await service?.serviceTime({ signal });
  // Its clock tells whole seconds.
  if (told) distances.push({ seconds: distance(told.time, told, 999), of: 'the service' });
  const sentAt = Date.now();
  await one.put('clock', bodyOf('now'), { signal });
  const receivedAt = Date.now();
  const info = await two.head('clock', { signal });
  if (info)
    distances.push({
      seconds: distance(info.modifiedAt, { sentAt, receivedAt }, 999),
      of: 'the times of objects',
    });
  const [most] = distances.toSorted((a, b) => Math.abs(b.seconds) - Math.abs(a.seconds));
  const seconds = most?.seconds ?? 0;
  const evidence = { seconds };
  if (Math.abs(seconds) <= worthSaying)
    return { outcome: 'ok', summary: 'Its clock and ours agree', evidence };
  const direction = seconds > 0 ? 'ahead of' : 'behind';
  const summary = `The clock of ${most?.of} is ${Math.abs(seconds)} s ${direction} ours`;
  const outcome = Math.abs(seconds) > refused ? 'problem' : 'warning';
  return { outcome, code: 'CLOCK_DISTANT', summary, evidence };
}

/** Seconds by which a time lies outside of a request, of a clock that leaves out some milliseconds. */
function distance(
  time: number,
  { sentAt, receivedAt }: { readonly sentAt: number; readonly receivedAt: number },
  leftOutMs: number,
): number {
  if (time + leftOutMs < sentAt) return Math.round((time + leftOutMs - sentAt) / 1000);
  return time > receivedAt ? Math.round((time - receivedAt) / 1000) : 0;
}
