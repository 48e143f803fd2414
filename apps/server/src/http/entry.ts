import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { TLSSocket } from 'node:tls';

import type { Metrics } from '../metrics/metrics.js';
import { maxHeaders } from './listener.js';
import { type ServedNames, refuseForeignPages } from './page-guard.js';
import { Refusal, refusalBody, unavailable } from './refusal.js';
import { registryErrorBody, registryErrorCode } from './registry-error.js';
import { isBodyPending } from './request-body.js';
import { type RequestContext, openContext } from './request-context.js';
import { hostOf, takeTargetHost } from './request-host.js';
import { parseTarget } from './request-target.js';
import { setSecurityHeaders } from './security-headers.js';

export interface EntryOptions {
  readonly registry: RequestListener;
  readonly app: RequestListener;
  readonly clientOf: (request: IncomingMessage) => string;
  /** What the server is called, for the one who asks. */
  readonly namesFor: (request: IncomingMessage) => ServedNames;
  readonly metrics: Metrics;
  /** Whether the server closes, or has not started yet: what comes on connections that stand is refused. */
  readonly isClosing: () => boolean;
  readonly onEnd: (context: RequestContext, request: IncomingMessage, status: number) => void;
  /** Runs a request within its trace. */
  readonly traced: (request: IncomingMessage, response: ServerResponse, run: () => void) => void;
}

const handlers = [
  ['registry', /^\/v2(?:\/|$)/],
  ['token', /^\/token$/],
  ['api', /^\/api\//],
  ['operation', /^\/(?:healthz|readyz|metrics)$/],
] as const;
type Handler = (typeof handlers)[number][0] | 'web';

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Where every request comes in, and its end is seen. */
export function createEntry(options: EntryOptions): RequestListener {
  const { metrics } = options;
  return (request, response) => {
    const context = openContext(request, options.clientOf(request));
    const targetHost = takeTargetHost(request);
    const { path } = parseTarget(request.url ?? '');
    const handler = handlers.find(([, paths]) => paths.test(path))?.[0] ?? 'web';
    response.setHeader('x-request-id', context.id);
    setSecurityHeaders(response, request.socket instanceof TLSSocket);
    // What is for one caller, or of one moment, is nobody else's.
    if (handler !== 'web') response.setHeader('cache-control', 'no-store');
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
    closeAfterUnreadBody(request, response);
    if (options.isClosing()) response.setHeader('connection', 'close');
    try {
      refuseAtEntry(options, request, { handler, path, targetHost });
    } catch (error) {
      return answerRefusal(response, handler, error as Refusal);
    }
    options.traced(request, response, () => {
      (handler === 'registry' ? options.registry : options.app)(request, response);
    });
  };
}

/** Lets requests wait that arrive before the server has started, or could not. */
export function holdUntil(opened: Promise<void>, handler: RequestListener): RequestListener {
  let isOpened = false;
  void opened.then(() => (isOpened = true));
  return (request, response) => {
    if (isOpened) handler(request, response);
    else void opened.then(() => handler(request, response));
  };
}

interface Asked {
  readonly handler: Handler;
  readonly path: string;
  readonly targetHost: string | undefined;
}

/** @throws Refusal before anything is looked up or read */
function refuseAtEntry(
  options: EntryOptions,
  request: IncomingMessage,
  { handler, path, targetHost }: Asked,
): void {
  if (request.rawHeaders.length > 2 * maxHeaders) {
    throw new Refusal(431, 'LIMIT_EXCEEDED', `the request has more than ${maxHeaders} headers`, {
      headers: { connection: 'close' },
    });
  }
  const host = hostOf(request, targetHost);
  // A load balancer asks by any name, and learns nothing.
  const isProbe = handler === 'operation' && path !== '/metrics';
  if (!isProbe) refuseForeignPages(request, host, options.namesFor(request));
  if (options.isClosing() && handler !== 'operation')
    throw unavailable('the server is starting or closing', 5);
  if (handler !== 'registry' && !methods.has(request.method ?? ''))
    throw new Refusal(405, 'METHOD_NOT_ALLOWED', 'there is no such method', {
      headers: { allow: 'GET, HEAD, POST, DELETE' },
    });
}

/** A body that nobody reads would hold its connection for as long as its sender likes. */
function closeAfterUnreadBody(request: IncomingMessage, response: ServerResponse): void {
  response.on('finish', () => {
    if (isBodyPending(request)) request.socket.destroySoon();
  });
}

function answerRefusal(response: ServerResponse, handler: Handler, refusal: Refusal): void {
  const { status, message, hint, headers } = refusal;
  const body =
    handler === 'registry'
      ? registryErrorBody(registryErrorCode(status), hint ? `${message}. ${hint}` : message)
      : JSON.stringify(refusalBody(refusal));
  const close: Record<string, string> = isBodyPending(response.req) ? { connection: 'close' } : {};
  response.writeHead(status, { 'content-type': 'application/json', ...close, ...headers });
  response.end(body);
}
