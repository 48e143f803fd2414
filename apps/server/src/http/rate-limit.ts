import { LRUCache } from 'lru-cache';

/** What one client may do: `perSecond` on average, `burst` at once. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

interface Bucket {
  left: number;
  at: number;
}

/** Clients that are remembered; of more, the one that was quiet for longest is forgotten. */
const maxClients = 10_000;

/** A bucket of tokens for each client. Times are milliseconds. */
export class RateLimit {
  readonly #rate: Rate;
  readonly #buckets = new LRUCache<string, Bucket>({ max: maxClients });

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  /** Takes one. @returns 0, or the seconds until there is one again */
  take(client: string, now: number = performance.now()): number {
    const bucket = this.#refill(client, now);
    if (bucket.left < 1) return Math.ceil((1 - bucket.left) / this.#rate.perSecond);
    bucket.left -= 1;
    return 0;
  }

  #refill(client: string, now: number): Bucket {
    const { perSecond, burst } = this.#rate;
    const bucket = this.#buckets.get(client) ?? { left: burst, at: now };
    bucket.left = Math.min(burst, bucket.left + ((now - bucket.at) / 1000) * perSecond);
    bucket.at = now;
    this.#buckets.set(client, bucket);
    return bucket;
  }
}
