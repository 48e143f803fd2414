import { asOciError } from '@oci/spec-types';

import { checkBandwidth } from './bandwidth-limit.js';
import type { Exchange, ResponseBody } from './exchange.js';
import type { RetryPolicy } from './retry-policy.js';

/** Lets no more bytes of bodies pass in a second, up and down together, than it may; undefined is no limit. @throws OciError `USAGE` */
export function limitBandwidth(
  next: Exchange,
  bytesPerSecond: number | undefined,
  policy: Pick<RetryPolicy, 'delay'>,
): Exchange {
  checkBandwidth(bytesPerSecond);
  if (bytesPerSecond === undefined) return next;
  const bandwidth = new Bandwidth(bytesPerSecond, policy);
  return async (request) => {
    const { body, signal } = request;
    const isStream = body !== undefined && !(body instanceof Uint8Array);
    const sent = isStream ? bandwidth.limited(body, signal) : body;
    // A worker would not wait for its turn.
    const response = await next({ ...request, body: sent, into: undefined });
    const received: ResponseBody = {
      [Symbol.asyncIterator]: () => bandwidth.limited(response.body, signal),
      dump: () => response.body.dump(),
      destroy: () => response.body.destroy(),
    };
    return { ...response, body: received };
  };
}

class Bandwidth {
  readonly #bytesPerSecond: number;
  readonly #delay: RetryPolicy['delay'];
  /** When what was let through so far is paid for, in milliseconds. */
  #freeAt = 0;

  constructor(bytesPerSecond: number, { delay }: Pick<RetryPolicy, 'delay'>) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#delay = delay;
  }

  async *limited(
    body: AsyncIterable<Uint8Array>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of body) {
      await this.#pass(chunk.byteLength, signal);
      yield chunk;
    }
  }

  async #pass(bytes: number, signal: AbortSignal | undefined): Promise<void> {
    const now = Date.now();
    const turn = Math.max(now, this.#freeAt);
    this.#freeAt = turn + (bytes * 1000) / this.#bytesPerSecond;
    if (turn === now) return;
    await this.#delay(turn - now, signal).catch((error: unknown) => {
      throw asOciError(error);
    });
  }
}
