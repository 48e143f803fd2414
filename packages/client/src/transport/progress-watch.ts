import { OciError } from '@oci/spec-types';

import {
  type Exchange,
  type RegistryRequest,
  type RegistryResponse,
  type ResponseBody,
  type Sized,
  wrapBody,
} from './exchange.js';

/** Bytes that have to come in each span of time: a host that sends one now and then holds nobody up. */
const leastBytes = 1024;

/** A reader that was away for longer than this leaves the host all of its time again. */
const noticedMs = 100;

/**
 * Gives up a body that stalls: that brings less than 1 KiB in `idleMs` while somebody waits for it. Time in
 * which nobody asks for the next bytes does not count, and none limits the whole.
 */
export function watchProgress(next: Exchange, { idleMs }: { readonly idleMs: number }): Exchange {
  return async (request) => {
    const response = await next(request);
    return { ...response, body: watched(response, request, request.idleMs ?? idleMs) };
  };
}

function watched(
  response: RegistryResponse,
  request: RegistryRequest,
  idleMs: number,
): ResponseBody {
  const { body } = response;
  const giveUp = (): void => body.destroy();
  const failure = stalled(response, request);
  return wrapBody(body, (chunks) => withDeadline(chunks, { giveUp, failure, idleMs }));
}

async function* withDeadline<T extends Sized>(
  chunks: AsyncIterable<T>,
  {
    giveUp,
    failure,
    idleMs,
  }: { readonly giveUp: () => void; readonly failure: OciError; readonly idleMs: number },
): AsyncGenerator<T, void, undefined> {
  let isWaiting = true;
  let isStalled = false;
  let isOver = false;
  let arrived = 0;
  const timer = setTimeout(() => {
    isOver = true;
    if (!isWaiting) return;
    isStalled = true;
    giveUp();
  }, idleMs);
  const restart = (): void => {
    arrived = 0;
    isOver = false;
    timer.refresh();
  };
  try {
    for await (const chunk of chunks) {
      isWaiting = false;
      arrived += chunk.byteLength;
      if (arrived >= leastBytes) restart();
      const left = performance.now();
      yield chunk;
      isWaiting = true;
      if (isOver || performance.now() - left > noticedMs) restart();
    }
  } catch (error) {
    throw isStalled ? failure : error;
  } finally {
    clearTimeout(timer);
  }
}

function stalled({ url, attempts }: RegistryResponse, { method }: RegistryRequest): OciError {
  return new OciError('TIMEOUT', `${url.host} stopped sending in the middle`, {
    hint: 'Try again later.',
    retryable: true,
    request: { method, url: url.href, attempts },
  });
}
