import { asOciError, throwIfAborted } from '@oci/spec-types';
import { parseRetryAfter } from '@oci/spec-types/registry-api';
import { isTransientStatus, mayWait } from '@oci/spec-types/retry';
import { LRUCache } from 'lru-cache';

import {
  type Exchange,
  type RegistryRequest,
  type RegistryResponse,
  type ResponseBody,
  type Sized,
  header,
  wrapBody,
} from './exchange.js';
import { type RetryPolicy, waitTooLong } from './retry-policy.js';
import { SlotQueue } from './slot-queue.js';

/** How much one host is asked for at once. */
export interface PacePolicy {
  /** Bodies at first. Default 16. */
  readonly bodies: number;
  /** Bodies once nothing went wrong for a while, at most. Default 24. */
  readonly mostBodies: number;
  /** Requests for anything else. Default 32. */
  readonly metadata: number;
  /** When nobody has read on for this long, a body's place is given to another. Default 2000 ms. */
  readonly idleMs: number;
}

export const defaultPacePolicy: PacePolicy = {
  bodies: 16,
  mostBodies: 24,
  metadata: 32,
  idleMs: 2000,
};

/** Redirects may lead to ever other hosts. */
const mostHosts = 1000;

/**
 * Keeps every host's limits: so many bodies at once, more by one after a round without trouble, half when
 * it answers 429 or 503; and when it asks to wait, nobody asks it anything until then.
 */
export function paceHosts(next: Exchange, policy: PacePolicy, retryPolicy: RetryPolicy): Exchange {
  const hosts = new LRUCache<string, HostPace>({ max: mostHosts });
  return async (request) => {
    const { host } = request.url;
    const pace = hosts.get(host) ?? new HostPace(host, policy, retryPolicy);
    hosts.set(host, pace);
    return pace.send(request, next);
  };
}

class HostPace {
  readonly #host: string;
  readonly #policy: PacePolicy;
  readonly #retryPolicy: RetryPolicy;
  readonly #queues: Readonly<Record<'metadata' | 'download' | 'upload', SlotQueue>>;
  #pausedUntil = 0;
  #pauseReason = '';
  #lastTrouble = 0;

  constructor(host: string, policy: PacePolicy, retryPolicy: RetryPolicy) {
    this.#host = host;
    this.#policy = policy;
    this.#retryPolicy = retryPolicy;
    const bodies = { limit: policy.bodies, most: policy.mostBodies };
    this.#queues = {
      metadata: new SlotQueue({ limit: policy.metadata, most: policy.metadata }),
      download: new SlotQueue(bodies),
      upload: new SlotQueue(bodies),
    };
  }

  async send(request: RegistryRequest, next: Exchange): Promise<RegistryResponse> {
    const { lane = 'metadata' } = request;
    const queue = lane === 'token' ? undefined : this.#queues[lane];
    const release = (await queue?.acquire(request.signal)) ?? ((): void => {});
    try {
      await this.#waitForPause(request);
      const begun = Date.now();
      const response = await next(request);
      this.#learn(response, { begun, queue });
      return { ...response, body: holding(response.body, release, this.#policy.idleMs) };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Waits for as long as an answer to anybody asked; who waited it out goes on. */
  async #waitForPause(request: RegistryRequest): Promise<void> {
    for (let waitedFor = 0; this.#pausedUntil > Math.max(Date.now(), waitedFor);) {
      throwIfAborted(request.signal);
      waitedFor = this.#pausedUntil;
      const delayMs = waitedFor - Date.now();
      if (!mayWait(this.#retryPolicy, delayMs)) throw waitTooLong(this.#host, delayMs);
      const reason = this.#pauseReason;
      request.onEvent?.({ type: 'wait', host: this.#host, delayMs, until: waitedFor, reason });
      await this.#retryPolicy.delay(delayMs, request.signal).catch((error: unknown) => {
        throw asOciError(error);
      });
    }
  }

  #learn(
    response: RegistryResponse,
    { begun, queue }: { begun: number; queue: SlotQueue | undefined },
  ): void {
    const { status } = response;
    const asked = isTransientStatus(status)
      ? parseRetryAfter(header(response, 'retry-after'))
      : undefined;
    const until = Date.now() + (asked ?? 0);
    if (asked !== undefined && until > this.#pausedUntil) {
      this.#pausedUntil = until;
      this.#pauseReason = `${this.#host} answered ${status}`;
    }
    if (status !== 429 && status !== 503) {
      queue?.grow();
      return;
    }
    // Answers to requests from before the last halving are of the same trouble.
    if (begun < this.#lastTrouble) return;
    this.#lastTrouble = Date.now();
    for (const each of Object.values(this.#queues)) each.halve();
  }
}

/** A body that gives its place back at its end, or when nobody reads on for a while. */
function holding(body: ResponseBody, release: () => void, idleMs: number): ResponseBody {
  let isAway = true;
  const idle = setTimeout(() => {
    if (isAway) release();
  }, idleMs).unref();
  const end = (): void => {
    clearTimeout(idle);
    release();
  };
  const held = async function* <T extends Sized>(
    chunks: AsyncIterable<T>,
  ): AsyncGenerator<T, void, undefined> {
    isAway = false;
    try {
      for await (const chunk of chunks) {
        isAway = true;
        idle.refresh();
        yield chunk;
        isAway = false;
      }
    } finally {
      end();
    }
  };
  return {
    ...wrapBody(body, held),
    dump: () => body.dump().finally(end),
    destroy() {
      body.destroy();
      end();
    },
  };
}
