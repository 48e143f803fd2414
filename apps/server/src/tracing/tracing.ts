import type { IncomingMessage, ServerResponse } from 'node:http';

import type { AttemptObserver } from '@oci/client/transport';
import {
  SpanKind,
  SpanStatusCode,
  context,
  isSpanContextValid,
  propagation,
  trace,
} from '@opentelemetry/api';

/** Spans cost nothing until an OpenTelemetry SDK is loaded into the process, e.g. by `--import`. */
const tracer = trace.getTracer('oci-server');

/** Runs a request in a span of its own, below the one that `traceparent` names. */
export function traceRequest(
  request: IncomingMessage,
  response: ServerResponse,
  run: () => void,
): void {
  const parent = propagation.extract(context.active(), request.headers);
  const path = (request.url ?? '').split('?', 1)[0] ?? '';
  const attributes = { 'http.request.method': request.method ?? '', 'url.path': path };
  const options = { kind: SpanKind.SERVER, attributes };
  const span = tracer.startSpan(`${request.method}`, options, parent);
  // Neither recorded nor passed on: no SDK is loaded.
  if (parent === context.active() && !isSpanContextValid(span.spanContext())) return run();
  response.on('close', () => {
    span.setAttribute('http.response.status_code', response.statusCode);
    if (response.statusCode >= 500 || !response.writableFinished)
      span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  });
  context.with(trace.setSpan(parent, span), run);
}

/** A span for each request to a registry, within that of the request that caused it. */
export const traceAttempt: AttemptObserver = ({ method, url, host }) => {
  const attributes = { 'http.request.method': method, 'url.full': url, 'server.address': host };
  const span = tracer.startSpan(`${method} ${host}`, { kind: SpanKind.CLIENT, attributes });
  return (outcome) => {
    if ('status' in outcome) span.setAttribute('http.response.status_code', outcome.status);
    else span.setAttribute('error.type', outcome.code);
    if ('code' in outcome || outcome.status >= 400) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  };
};
