import type { RequestListener, Server } from 'node:http';
import { Readable } from 'node:stream';

import { asOciError } from '@oci/spec-types';
import Fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
  type RouteHandlerMethod,
} from 'fastify';

import { answerToken } from '../access/token-endpoint.js';
import { Refusal } from '../http/refusal.js';
import { apiPace, isBodyPending, readBody } from '../http/request-body.js';
import { contextOf } from '../http/request-context.js';
import { logStream } from '../output.js';
import type { ServerParts } from '../server-parts.js';
import { addWebPages } from '../web/web-pages.js';
import { admit, callerOf } from './admission.js';
import { type Call, type CallName, calls } from './calls.js';
import type { ApiCall, Endpoint } from './endpoint.js';
import { endpoints } from './endpoints.js';
import { failureAnswer } from './failure.js';
import { createHandlers } from './handlers.js';
import { streamJobEvents } from './job-events.js';
import { findJob } from './job-handlers.js';
import type { Schema } from './json/envelope.js';
import { openApiDocument } from './openapi.js';

export interface AppOptions {
  readonly parts: ServerParts;
  /** The one server that the API shares with the registry. */
  readonly attach: (handler: RequestListener) => Server;
  /** Lines that Fastify's logger writes; default none. */
  readonly logLevel?: string | undefined;
}

/** Bytes of a request body; every request of this API is a few identifiers. */
const bodyLimit = 64 * 1024;

/** Everything but the registry's own paths. */
export function createApp(options: AppOptions): FastifyInstance {
  const { parts } = options;
  const app = Fastify({
    bodyLimit,
    serverFactory: options.attach,
    frameworkErrors: (error, request, reply) => sendFailure(parts, error, { request, reply }),
    // The listener answers what the parser refuses.
    clientErrorHandler: () => {},
    // The server logs each request itself, those of the registry too.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: (request) => contextOf(request).id,
    logger: options.logLevel === undefined ? false : { level: options.logLevel, stream: logStream },
  });
  app.setErrorHandler((error, request, reply) => sendFailure(parts, error, { request, reply }));
  app.setNotFoundHandler((request, reply) =>
    sendFailure(parts, notFound(app, request), { request, reply }),
  );
  app.addHook('preParsing', async (request, _, payload) =>
    isBodyPending(request.raw) ? Readable.from(readBody(request.raw, apiPace)) : payload,
  );
  addForms(app);
  addApi(app, parts);
  addOperations(app, parts);
  addWebPages(app, openApiDocument());
  app.route({
    method: ['GET', 'POST'],
    url: '/token',
    handler: (request) => answerToken(parts, request),
  });
  return app;
}

function addApi(app: FastifyInstance, parts: ServerParts): void {
  const handlers = createHandlers(parts);
  for (const name of Object.keys(calls) as CallName[]) {
    const endpoint = { ...calls[name], ...endpoints[name] } as Call & Endpoint<unknown, unknown>;
    const handle = handlers[name] as (input: unknown, call: ApiCall) => unknown;
    app.route({
      method: endpoint.method,
      url: endpoint.path.replace(/\{(\w+)\}/, ':$1'),
      onRequest: (request) => admit(parts, request, endpoint.needs ?? []),
      handler: async (request, reply) => {
        const context = callerOf(request);
        const data = await handle(inputOf(endpoint, request), {
          context,
          signal: goneSignal(reply),
        });
        reply.code(endpoint.status ?? 200);
        return { success: true, data: checked(endpoint.data, data) };
      },
    });
  }
  app.get('/api/v1/oci/jobs/:id/events', async (request, reply) => {
    const context = await parts.gate.admit(request.raw, contextOf(request.raw));
    const { id } = inputOf({ ...calls.getJob, ...endpoints.getJob }, request) as { id: string };
    findJob(parts, context, id);
    reply.hijack();
    streamJobEvents(parts, { id, context }, reply.raw);
  });
}

/** What an operator's machines ask for. */
function addOperations(app: FastifyInstance, parts: ServerParts): void {
  app.get('/healthz', () => ({ status: 'ok' }));
  app.get('/readyz', async (_, reply) => {
    const reasons = await parts.notReady();
    if (reasons.length > 0) reply.code(503);
    return { status: reasons.length > 0 ? 'not ready' : 'ready', reasons };
  });
  const metrics: RouteHandlerMethod = async (request, reply) => {
    const context = await parts.gate.admit(request.raw, contextOf(request.raw));
    parts.gate.require(context, 'observe');
    const { registry } = parts.metrics;
    return reply.type(registry.contentType).send(await registry.metrics());
  };
  app.get('/metrics', metrics);
}

/** Token requests by POST are forms (OAuth 2, RFC 6749, section 4.3.2). */
function addForms(app: FastifyInstance): void {
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (request, body, done) => {
      const isToken = request.url.split('?', 1)[0] === '/token';
      if (isToken) return done(null, new URLSearchParams(body.toString()));
      const hint = 'Send it with the header content-type: application/json.';
      return done(
        new Refusal(415, 'UNSUPPORTED_MEDIA_TYPE', 'the body does not say that it is JSON', {
          hint,
        }),
      );
    },
  );
}

/** @throws Refusal 400 with the first thing that is wrong */
function inputOf(
  { input, from }: Pick<Call, 'from'> & Pick<Endpoint<unknown, unknown>, 'input'>,
  request: FastifyRequest,
): unknown {
  if (!input) return undefined;
  const given =
    from === 'body'
      ? (request.body ?? {})
      : from === 'path'
        ? request.params
        : { ...(request.query as object) };
  const result = input.safeParse(given);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = issue?.path.join('.') || from;
  throw new Refusal(400, 'USAGE', `invalid request: ${where}: ${issue?.message}`, {
    hint: 'The document of the API is at /openapi.json, and readable at /docs.',
  });
}

/** An answer that is not what the document says is a defect, and is not sent. */
function checked(schema: Schema<unknown>, data: unknown): unknown {
  const result = schema.safeParse(data);
  if (result.success) return result.data;
  throw new Error(`an answer is not as documented: ${result.error.message}`);
}

function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.on('close', () => gone.abort());
  if (reply.raw.destroyed) gone.abort();
  return gone.signal;
}

function sendFailure(
  parts: ServerParts,
  thrown: unknown,
  { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
): FastifyReply {
  const { status, headers, body, defect } = failureAnswer(thrown);
  if (defect !== undefined && !reply.raw.destroyed) parts.onDefect(asOciError(defect), request.id);
  if (isBodyPending(request.raw)) reply.header('connection', 'close');
  return reply
    .code(status)
    .headers({ ...headers })
    .send(body);
}

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

function notFound(app: FastifyInstance, request: FastifyRequest): Refusal {
  const path = request.url.split('?', 1)[0] ?? '/';
  const allowed = methods.filter((method) => app.findRoute({ method, url: path }) !== null);
  const jobs = /^\/api\/v1\/oci\/jobs\/[^/]+(\/events|\/cancel)?$/.exec(path);
  if (jobs) allowed.push(jobs[1] === '/cancel' ? 'POST' : 'GET');
  if (allowed.length > 0) {
    const headers = { allow: allowed.join(', ') };
    const message = `${path} can not be asked with ${request.method}`;
    return new Refusal(405, 'METHOD_NOT_ALLOWED', message, { headers });
  }
  return new Refusal(404, 'NOT_FOUND', `there is no ${request.method} ${path}`, {
    hint: 'What there is, is told at /docs.',
  });
}
