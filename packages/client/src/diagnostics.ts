import { type TracingChannel, tracingChannel } from 'node:diagnostics_channel';

import type { Exchange } from './transport/exchange.js';

/** What a span of `tracing:oci:client:operation` tells: one call, with all its attempts and pauses. */
export interface OperationTrace {
  /** The name of the method, e.g. `fetch`. */
  readonly operation: string;
  /** `scheme://host:port`. */
  readonly registry: string;
  readonly repository: string;
  /** The tag or digest that it is about. */
  readonly reference?: string | undefined;
}

/** What a span of `tracing:oci:client:attempt` tells: one request, up to the headers of its answer. */
export interface AttemptTrace {
  readonly method: string;
  /** Without its query, which may be signed. */
  readonly url: string;
  readonly host: string;
  /** There at the end, when there was an answer. */
  status?: number;
}

const operations: TracingChannel<string, OperationTrace> = tracingChannel('oci:client:operation');
const attempts: TracingChannel<string, AttemptTrace> = tracingChannel('oci:client:attempt');

function isHeard<T extends object>(channel: TracingChannel<string, T>): boolean {
  const { start, end, asyncStart, asyncEnd, error } = channel;
  return [start, end, asyncStart, asyncEnd, error].some((each) => each.hasSubscribers);
}

/** Does the work, in a span when somebody listens; its result is not told. */
export function tracedOperation<R>(trace: OperationTrace, work: () => Promise<R>): Promise<R> {
  return isHeard(operations) ? inSpan(operations, trace, work) : work();
}

/** The items, in a span from the first that is wanted to the last. */
export async function* tracedItems<T>(
  trace: OperationTrace,
  items: AsyncIterable<T>,
): AsyncGenerator<T, void, undefined> {
  if (!isHeard(operations)) return yield* items;
  const iterator = items[Symbol.asyncIterator]();
  let end = (): void => {};
  let fail: (error: unknown) => void = () => {};
  const ended = new Promise<void>((resolve, reject) => ([end, fail] = [resolve, reject]));
  inSpan(operations, trace, () => ended).catch(() => {});
  try {
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
      yield next.value;
    }
  } catch (error) {
    fail(error);
    throw error;
  } finally {
    end();
    await iterator.return?.();
  }
}

/** Sends each request in a span when somebody listens. */
export function traceAttempts(send: Exchange): Exchange {
  return (request) => {
    if (!isHeard(attempts)) return send(request);
    const { method, url } = request;
    const trace: AttemptTrace = { method, url: url.origin + url.pathname, host: url.host };
    return inSpan(attempts, trace, async () => {
      const response = await send(request);
      trace.status = response.status;
      return response;
    });
  };
}

/** What the work gives may hold secrets, such as signed addresses: the span does not show it. */
async function inSpan<T extends object, R>(
  channel: TracingChannel<string, T>,
  trace: T,
  work: () => Promise<R>,
): Promise<R> {
  let result: { readonly value: R } | undefined;
  await channel.tracePromise(async () => {
    result = { value: await work() };
  }, trace);
  if (!result) throw new Error('the work of a span has ended');
  return result.value;
}
