import { OciError, type TransferEvent, asOciError, throwIfAborted } from '@oci/spec-types';

import {
  type Exchange,
  type RegistryRequest,
  type RegistryResponse,
  type ResponseBody,
  header,
} from './exchange.js';
import type { RetryPolicy } from './retry.js';
import { parseRetryAfter } from './retry-after.js';
import { SlotQueue } from './slot-queue.js';

/** How much one host is asked for at once. */
export interface PacePolicy {
  /** Bodies at first. Default 8. */
  readonly bodies: number;
  /** Bodies once nothing went wrong for a while, at most. Default 16. */
  readonly mostBodies: number;
  /** Requests for anything else. Default 32. */
  readonly metadata: number;
  /** After this long without a byte, a body's place is given to another. Default 2000 ms. */
  readonly idleMs: number;
}

export const defaultPacePolicy: PacePolicy = {
  bodies: 8,
  mostBodies: 16,
  metadata: 32,
  idleMs: 2000,
};

/**
 * Keeps every host's limits: so many bodies at once, more by one after a round without trouble, half when
 * it answers 429 or 503; and when it asks to wait, nobody asks it anything until then.
 */
export function paceHosts(next: Exchange, policy: PacePolicy, retryPolicy: RetryPolicy): Exchange {
  const hosts = new Map<string, HostPace>();
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
      return { ...response, body: held(response.body, release, this.#policy.idleMs) };
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
      if (delayMs > this.#retryPolicy.maxWaitMs) throw tooLong(this.#host, delayMs);
      request.onEvent?.(waiting(this.#host, delayMs));
      await this.#retryPolicy.delay(delayMs, request.signal).catch((error: unknown) => {
        throw asOciError(error);
      });
    }
  }

  #learn(
    response: RegistryResponse,
    { begun, queue }: { begun: number; queue: SlotQueue | undefined },
  ): void {
    if (response.status !== 429 && response.status !== 503) {
      queue?.grow();
      return;
    }
    const asked = parseRetryAfter(header(response, 'retry-after'));
    if (asked !== undefined) this.#pausedUntil = Math.max(this.#pausedUntil, Date.now() + asked);
    // Answers to requests from before the last halving are of the same trouble.
    if (begun < this.#lastTrouble) return;
    this.#lastTrouble = Date.now();
    for (const each of Object.values(this.#queues)) each.halve();
  }
}

function waiting(host: string, delayMs: number): TransferEvent {
  return { type: 'wait', host, delayMs, reason: `${host} asked to be left alone for a while` };
}

function tooLong(host: string, delayMs: number): OciError {
  return new OciError('RATE_LIMITED', `${host} asks to wait ${Math.ceil(delayMs / 1000)} s`, {
    retryAfterMs: delayMs,
    retryable: true,
    hint: 'Try again after that time.',
  });
}

/** A body that gives its place back at its end, or when nothing moved for a while. */
function held(body: ResponseBody, release: () => void, idleMs: number): ResponseBody {
  const idle = setTimeout(release, idleMs).unref();
  const end = (): void => {
    clearTimeout(idle);
    release();
  };
  return {
    async *[Symbol.asyncIterator]() {
      try {
        for await (const chunk of body) {
          idle.refresh();
          yield chunk;
        }
      } finally {
        end();
      }
    },
    async dump() {
      await body.dump().finally(end);
    },
    destroy() {
      body.destroy();
      end();
    },
  };
}
