import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { TLSSocket } from 'node:tls';

import type { ErrorJson } from '@oci/spec-types/api';

import type { Metrics } from '../metrics/metrics.js';
import { type RequestContext, openContext } from './request-context.js';
import { setSecurityHeaders } from './security-headers.js';

export interface EntryOptions {
  readonly registry: RequestListener;
  readonly app: RequestListener;
  readonly clientOf: (request: IncomingMessage) => string;
  readonly metrics: Metrics;
  /** Whether the server closes, or has not started yet: what comes on connections that stand is refused. */
  readonly isClosing: () => boolean;
  readonly onEnd: (context: RequestContext, request: IncomingMessage, status: number) => void;
  /** Runs a request within its trace. */
  readonly traced: (request: IncomingMessage, response: ServerResponse, run: () => void) => void;
}

const handlers = [
  ['registry', /^\/v2(?:[/?]|$)/],
  ['token', /^\/token(?:\?|$)/],
  ['api', /^\/api\//],
  ['operation', /^\/(?:healthz|readyz|metrics)(?:\?|$)/],
] as const;

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Where every request comes in, and its end is seen. */
export function createEntry(options: EntryOptions): RequestListener {
  const { metrics } = options;
  return (request, response) => {
    const context = openContext(request, options.clientOf(request));
    const handler = handlers.find(([, path]) => path.test(request.url ?? ''))?.[0] ?? 'web';
    response.setHeader('x-request-id', context.id);
    setSecurityHeaders(response, request.socket instanceof TLSSocket);
    // What is for one caller, or of one moment, is nobody else's.
    if (handler === 'api' || handler === 'token') response.setHeader('cache-control', 'no-store');
    metrics.inFlight.inc({ handler });
    response.on('close', () => {
      const method = methods.has(request.method ?? '') ? (request.method ?? '') : 'other';
      const seconds = (performance.now() - context.startedAt) / 1000;
      const status = response.writableFinished ? response.statusCode : 499;
      metrics.inFlight.dec({ handler });
      metrics.requests.inc({ handler, method, code: String(status) });
      metrics.requestSeconds.observe({ handler, method }, seconds);
      options.onEnd(context, request, status);
    });
    if (options.isClosing() && handler !== 'operation') return refuse(response);
    if (options.isClosing()) response.setHeader('connection', 'close');
    if (handler !== 'registry' && !methods.has(request.method ?? '')) return refuseMethod(response);
    options.traced(request, response, () => {
      (handler === 'registry' ? options.registry : options.app)(request, response);
    });
  };
}

function refuse(response: ServerResponse): void {
  const headers = { 'retry-after': '5', connection: 'close' };
  const error = {
    code: 'UNAVAILABLE',
    message: 'the server is starting or closing',
    hint: 'Try again in 5 s.',
  };
  answerFailure(response, { status: 503, headers, error });
}

function refuseMethod(response: ServerResponse): void {
  const headers = { allow: 'GET, HEAD, POST, DELETE' };
  const error = { code: 'METHOD_NOT_ALLOWED', message: 'there is no such method', hint: null };
  answerFailure(response, { status: 405, headers, error });
}

function answerFailure(
  response: ServerResponse,
  { status, headers, error }: { status: number; headers: Record<string, string>; error: ErrorJson },
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify({ success: false, error }));
}
