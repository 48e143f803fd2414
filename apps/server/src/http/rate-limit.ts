import { isIPv6 } from 'node:net';

import { LRUCache } from 'lru-cache';

import { anonymous } from '../access/caller.js';

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
    const wait = this.wait(client, now);
    if (wait === 0) this.#refill(client, now).left -= 1;
    return wait;
  }

  /** Takes nothing. @returns 0, or the seconds until there is one again */
  wait(client: string, now: number = performance.now()): number {
    if (!this.#buckets.has(client)) return 0;
    const { left } = this.#refill(client, now);
    return left >= 1 ? 0 : Math.ceil((1 - left) / this.#rate.perSecond);
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

/** What a caller is counted by: the identity, or the network of one who shows none. */
export function callerKey(identity: string, client: string): string {
  return identity === anonymous.identity ? networkOf(client) : identity;
}

/** What one client is counted by: an IPv4 address, or the /64 that one subscriber of IPv6 has. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [left = [], right] = address
    .split('::', 2)
    .map((half) => (half === '' ? [] : half.split(':')));
  const zeros = right ? Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0') : [];
  const groups = [...left, ...zeros, ...(right ?? [])].slice(0, 4);
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
}
