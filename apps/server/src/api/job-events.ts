import type { ServerResponse } from 'node:http';

import type { CallerContext } from '../http/request-context.js';
import type { ServerParts } from '../server-parts.js';
import { isShown } from './job-handlers.js';

/** How often a stream that is silent says that it is there, in milliseconds. */
const heartbeatMs = 15_000;

/**
 * Sends what happens in a job as server-sent events, until the job ends, the client goes, or the client may
 * see the job no longer.
 */
export function streamJobEvents(
  parts: ServerParts,
  { id, context }: { readonly id: string; readonly context: CallerContext },
  response: ServerResponse,
): void {
  // Nobody would be told that it has closed, and the watches would stay.
  if (response.destroyed) return;
  const events = new EventStream(response);
  const job = parts.jobs.get(id)?.json;
  events.send('job', job);
  const finish = (): void => {
    events.send('end', parts.jobs.get(id)?.json);
    events.end();
  };
  if (job?.finished_at != null) return finish();
  const stop = parts.jobs.watch(id, (event) =>
    event === 'end' ? finish() : events.send('progress', event),
  );
  const isAllowed = (): boolean => {
    const owner = parts.jobs.get(id)?.owner;
    return owner !== undefined && isShown(parts, context, owner);
  };
  const unwatch = parts.gate.standing.watch(context.caller, isAllowed, () => events.end());
  events.onEnd(() => {
    stop();
    unwatch();
  });
}

/** Server-sent events, on an answer that may close at any time. */
class EventStream {
  readonly #response: ServerResponse;
  readonly #heartbeat: NodeJS.Timeout;
  #leave = (): void => {};

  constructor(response: ServerResponse) {
    this.#response = response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    this.#heartbeat = setInterval(() => {
      if (!response.writableNeedDrain) response.write(': still here\n\n');
    }, heartbeatMs).unref();
    response.on('close', () => this.#left());
  }

  /** A client that does not read misses progress, and not our memory. */
  send(event: 'job' | 'progress' | 'end', data: unknown): void {
    if (event === 'progress' && this.#response.writableNeedDrain) return;
    this.#response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** Calls `leave` once, when nothing is to be sent any more. */
  onEnd(leave: () => void): void {
    this.#leave = leave;
  }

  /** Nothing is written behind the end, which would be an error that nobody hears. */
  end(): void {
    this.#left();
    this.#response.end();
  }

  #left(): void {
    clearInterval(this.#heartbeat);
    this.#leave();
  }
}
