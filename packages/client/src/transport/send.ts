import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';

import { asOciError } from '@oci/spec-types';

import { refuseInternal } from './address-policy.js';
import { closed } from './closed.js';
import type { ConnectionOptions } from './connection-options.js';
import type { ConnectionPools } from './connection-pools.js';
import type { Exchange, RegistryRequest, RegistryResponse, ResponseBody } from './exchange.js';
import { networkFailure, throughProxy } from './network-failure.js';
import type { WorkerExchange } from './worker/worker-exchange.js';

/** The innermost exchange: one request on a pooled HTTP/1.1 connection, nothing followed or repeated. */
export function createSend(options: ConnectionOptions): {
  send: Exchange;
  close: () => Promise<void>;
} {
  let loading: Promise<ConnectionPools> | undefined;
  const workers = lazyWorkers(options);
  let isClosed = false;
  const send: Exchange = async (request) => {
    if (isClosed) throw closed(request.url.host);
    const pools = await (loading ??= loadPools(options));
    const proxy = options.proxy(request.url);
    const publicOnly = options.publicOnly || request.publicOnly;
    if (publicOnly) await refuseInternal(request.url, { behindProxy: proxy !== undefined });
    // Node receives into a buffer of ours over no TLS connection that a proxy has opened.
    const written = proxy ? undefined : await workers.send({ ...request, publicOnly });
    if (written) return written;
    try {
      const answer = await pools.dispatcher({ ...request, publicOnly }, proxy).request({
        origin: request.url.origin,
        path: request.url.pathname + request.url.search,
        method: request.method,
        headers: { 'user-agent': options.userAgent, ...request.headers },
        ...(request.body !== undefined && { body: requestBody(request.body) }),
        ...(request.signal && { signal: request.signal }),
      });
      // A body that breaks after nobody reads it any more must not end the process.
      answer.body.on('error', () => {});
      const { statusCode: status, headers, body } = answer;
      return { status, headers, body: untilFree(body), url: request.url, attempts: 1 };
    } catch (error) {
      const failure = networkFailure(error, request);
      throw proxy ? throughProxy(failure, proxy) : failure;
    }
  };
  const close = async (): Promise<void> => {
    isClosed = true;
    options.headStart?.giveUp();
    workers.close();
    await (await loading)?.close();
  };
  return { send, close };
}

/** The workers' exchange, loaded with the first request for a file. */
function lazyWorkers(options: ConnectionOptions): {
  readonly send: (request: RegistryRequest) => Promise<RegistryResponse | undefined>;
  readonly close: () => void;
} {
  let loaded: WorkerExchange | undefined;
  return {
    send: async (request) => {
      if (!request.into) return undefined;
      const { WorkerExchange } = await import('./worker/worker-exchange.js');
      loaded ??= new WorkerExchange(options);
      return loaded.send(request, request.into);
    },
    close: () => loaded?.close(),
  };
}

/** With the first request: reading the HTTP client takes longer than a whole pull that finds all in the cache. */
async function loadPools(options: ConnectionOptions): Promise<ConnectionPools> {
  const { ConnectionPools } = await import('./connection-pools.js');
  return new ConnectionPools(options);
}

/**
 * A body that ends when its connection is free: undici notices that in the next turn of the event loop, and whoever
 * asks before gets another connection, with another handshake.
 */
function untilFree(body: ResponseBody): ResponseBody {
  return {
    async *[Symbol.asyncIterator]() {
      yield* body;
      await nextTurn();
    },
    async dump() {
      await body.dump();
      await nextTurn();
    },
    destroy: () => body.destroy(),
  };
}

function requestBody(body: Uint8Array | AsyncIterable<Uint8Array>): Uint8Array | Readable {
  return body instanceof Uint8Array
    ? body
    : Readable.from(ownFailures(body), { objectMode: false });
}

/** A body that can't be read to its end is no fault of the network, and must not be told as one. */
async function* ownFailures(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw asOciError(error);
  }
}
