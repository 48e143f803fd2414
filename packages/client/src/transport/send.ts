import { Readable } from 'node:stream';
import { rootCertificates } from 'node:tls';

import { asOciError } from '@oci/spec-types';
import { Agent, request as undiciRequest } from 'undici';

import { publicLookup } from './address-policy.js';
import type { Exchange } from './exchange.js';
import { networkFailure } from './network-failure.js';

/** Deadlines that mean progress; none limits a whole transfer. Milliseconds. */
export interface Timeouts {
  /** Until a connection stands. Default 10 s. */
  readonly connectMs: number;
  /** Until the headers of an answer are there. Default 30 s. */
  readonly headersMs: number;
  /** Between two pieces of a body. Default 30 s. */
  readonly idleMs: number;
}

export const defaultTimeouts: Timeouts = { connectMs: 10_000, headersMs: 30_000, idleMs: 30_000 };

export interface ConnectionOptions {
  readonly timeouts: Timeouts;
  /** Accept any certificate. */
  readonly insecure?: boolean | undefined;
  /** Certificate authorities to trust besides the system's, PEM. */
  readonly ca?: string | undefined;
  readonly userAgent: string;
}

/** The innermost exchange: one request on a pooled HTTP/1.1 connection, nothing followed or repeated. */
export function createSend(options: ConnectionOptions): {
  send: Exchange;
  close: () => Promise<void>;
} {
  const direct = createAgent(options);
  const publicOnly = createAgent(options, publicLookup);
  const send: Exchange = async (request) => {
    try {
      const answer = await undiciRequest(request.url, {
        method: request.method,
        headers: { 'user-agent': options.userAgent, ...request.headers },
        ...(request.body !== undefined && { body: requestBody(request.body) }),
        dispatcher: request.publicOnly ? publicOnly : direct,
        ...(request.signal && { signal: request.signal }),
      });
      // A body that breaks after nobody reads it any more must not end the process.
      answer.body.on('error', () => {});
      return {
        status: answer.statusCode,
        headers: answer.headers,
        body: answer.body,
        url: request.url,
        attempts: 1,
      };
    } catch (error) {
      throw networkFailure(error, request);
    }
  };
  return {
    send,
    close: async () => void (await Promise.all([direct.destroy(), publicOnly.destroy()])),
  };
}

function createAgent(options: ConnectionOptions, lookup?: typeof publicLookup): Agent {
  const { timeouts, insecure, ca } = options;
  return new Agent({
    headersTimeout: timeouts.headersMs,
    bodyTimeout: timeouts.idleMs,
    connect: {
      timeout: timeouts.connectMs,
      rejectUnauthorized: !insecure,
      ...(ca !== undefined && { ca: [...rootCertificates, ca] }),
      ...(lookup && { lookup }),
    },
  });
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
