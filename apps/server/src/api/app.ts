import type { RequestListener, Server } from 'node:http';
import { Readable } from 'node:stream';

import swagger from '@fastify/swagger';
import { asOciError } from '@oci/spec-types';
import Fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
  type RouteHandlerMethod,
} from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';

import { answerToken } from '../access/token-endpoint.js';
import { Refusal } from '../http/refusal.js';
import { apiPace, isBodyPending, readBody } from '../http/request-body.js';
import { contextOf } from '../http/request-context.js';
import { logStream } from '../output.js';
import type { ServerParts } from '../server-parts.js';
import { addWebPages } from '../web/web-pages.js';
import { admit, callerOf } from './admission.js';
import { type CallName, calls } from './calls.js';
import type { ApiCall } from './endpoint.js';
import { endpoints } from './endpoints.js';
import { failureAnswer } from './failure.js';
import { createHandlers } from './handlers.js';
import { streamJobEvents } from './job-events.js';
import { findJob } from './job-handlers.js';
import { documentOptions, eventsSchema, routeSchema } from './openapi.js';

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
    schemaErrorFormatter: invalidInput,
  });
  app.setErrorHandler((error, request, reply) => sendFailure(parts, error, { request, reply }));
  app.setNotFoundHandler((request, reply) =>
    sendFailure(parts, notFound(app, request), { request, reply }),
  );
  app.addHook('preParsing', async (request, _, payload) =>
    isBodyPending(request.raw) ? Readable.from(readBody(request.raw, apiPace)) : payload,
  );
  app.setValidatorCompiler(validatorCompiler).setSerializerCompiler(serializerCompiler);
  void app.register(swagger, documentOptions);
  // The document has the routes that are added behind its plugin.
  void app.register(async (api) => addApi(api, parts));
  addForms(app);
  addOperations(app, parts);
  addWebPages(app);
  app.route({
    method: ['GET', 'POST'],
    url: '/token',
    handler: (request) => answerToken(parts, request),
  });
  return app;
}

function addApi(app: FastifyInstance, parts: ServerParts): void {
  // A call without a body says nothing, and may be complete.
  app.addHook('preValidation', async (request) => void (request.body ??= {}));
  const handlers = createHandlers(parts);
  for (const name of Object.keys(calls) as CallName[]) {
    const { method, path, from } = calls[name];
    const { status = 200, needs = [] } = endpoints[name];
    const handle = handlers[name] as (input: unknown, call: ApiCall) => unknown;
    app.route({
      method,
      url: routeOf(path),
      schema: routeSchema(name),
      onRequest: (request) => admit(parts, request, needs),
      handler: async (request, reply) => {
        const call = { context: callerOf(request), signal: goneSignal(reply) };
        const data = await handle(from && request[inputs[from]], call);
        reply.code(status);
        return { success: true, data };
      },
    });
  }
  addJobEvents(app, parts);
}

function addJobEvents(app: FastifyInstance, parts: ServerParts): void {
  app.route({
    method: 'GET',
    url: `${routeOf(calls.getJob.path)}/events`,
    schema: eventsSchema,
    onRequest: (request) => admit(parts, request, []),
    handler: (request, reply) => {
      const context = callerOf(request);
      const { id } = request.params as { id: string };
      findJob(parts, context, id);
      reply.hijack();
      streamJobEvents(parts, { id, context }, reply.raw);
    },
  });
}

/** A path as Fastify writes it. */
function routeOf(path: string): string {
  return path.replace(/\{(\w+)\}/, ':$1');
}

/** The part of Fastify's request that a call has its input in. */
const inputs = { body: 'body', query: 'query', path: 'params' } as const;

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

/** Returns what is told of input that its schema refuses: the first thing that is wrong. */
function invalidInput(
  [issue]: readonly { readonly instancePath: string; readonly message?: string }[],
  part: string,
): Refusal {
  const from = ({ querystring: 'query', params: 'path' } as Record<string, string>)[part] ?? part;
  const where = issue?.instancePath.slice(1).replaceAll('/', '.') || from;
  return new Refusal(400, 'USAGE', `invalid request: ${where}: ${issue?.message}`, {
    hint: 'The document of the API is at /openapi.json, and readable at /docs.',
  });
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
    const message = `${path} cannot be asked with ${request.method}`;
    return new Refusal(405, 'METHOD_NOT_ALLOWED', message, { headers });
  }
  return new Refusal(404, 'NOT_FOUND', `there is no ${request.method} ${path}`, {
    hint: 'What there is, is told at /docs.',
  });
}
