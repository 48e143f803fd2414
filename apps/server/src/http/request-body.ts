import type { IncomingMessage, ServerResponse } from 'node:http';

import { Refusal } from './refusal.js';

/** How slowly the body of a request may arrive. */
export interface Pace {
  /** Milliseconds that a body may keep the server waiting, of which arriving bytes give some back. */
  readonly graceMs: number;
  /** Bytes that give a second back; 0 for an end after `graceMs`, whatever arrives. */
  readonly bytesPerSecond: number;
}

/** Blobs may be large and links slow, but a body that trickles only holds a connection. */
export const uploadPace: Pace = { graceMs: 60_000, bytesPerSecond: 1024 };
/** Manifests are at most 4 MiB. */
export const manifestPace: Pace = { graceMs: 30_000, bytesPerSecond: 16 * 1024 };
/** Requests of the API are a few identifiers. */
export const apiPace: Pace = { graceMs: 10_000, bytesPerSecond: 0 };

const waiting = new WeakMap<IncomingMessage, ServerResponse>();

/** Notes that a client sends its body only when it is told to (`Expect: 100-continue`). */
export function holdBody(request: IncomingMessage, response: ServerResponse): void {
  waiting.set(request, response);
}

/** Tells whether a body was announced that has not arrived whole. */
export function isBodyPending({ complete, headers }: IncomingMessage): boolean {
  if (complete) return false;
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

/**
 * Reads the body of a request, the one way to do so: after the caller is known, and within a pace.
 * Only time spent waiting for the client counts. The request stays open, so that it can be answered.
 *
 * @throws Refusal 408
 */
export async function* readBody(
  request: IncomingMessage,
  pace: Pace,
): AsyncGenerator<Buffer, void, undefined> {
  waiting.get(request)?.writeContinue();
  waiting.delete(request);
  const chunks = request.iterator({ destroyOnReturn: false });
  let leftMs = pace.graceMs;
  for (;;) {
    const since = performance.now();
    const next = await within(chunks.next() as Promise<IteratorResult<Buffer>>, leftMs);
    if (next.done === true) return;
    const spent = performance.now() - since;
    leftMs = Math.min(pace.graceMs, leftMs - spent + earned(next.value, pace));
    yield next.value;
  }
}

function earned({ byteLength }: Buffer, { bytesPerSecond }: Pace): number {
  return bytesPerSecond === 0 ? 0 : (byteLength * 1000) / bytesPerSecond;
}

function within<T>(arrival: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(
        new Refusal(408, 'TIMEOUT', 'the body of the request arrives too slowly', {
          hint: 'Send it faster, or in smaller pieces.',
        }),
      );
    }, ms);
    void arrival.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
