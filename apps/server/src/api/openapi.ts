import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import type { FastifySchema } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import * as z from 'zod';

import { type CallName, calls } from './calls.js';
import type { Endpoint } from './endpoint.js';
import { endpoints } from './endpoints.js';
import { type Schema, failureSchema, successSchema } from './json/envelope.js';

/** What any call may be answered with besides success. */
const failures: Readonly<Record<number, string>> = {
  400: 'The request is malformed.',
  401: 'The server wants credentials, or refuses those given.',
  403: 'No rule allows it.',
  404: 'There is no such thing.',
  405: 'The path has no such method.',
  409: 'It stands in the way of what is there.',
  413: 'The body is too large.',
  415: 'The body is no JSON.',
  422: 'The artifact is not what it should be.',
  429: 'Too many requests; `Retry-After` says when to come back.',
  500: 'A defect of the server.',
  502: 'The registry behind the server failed.',
  503: 'The server is busy or closing; `Retry-After` says when to come back.',
  504: 'The registry behind the server did not answer in time.',
  507: 'The server has no space left.',
};

/** The document has it once, in its components; answers refer to it by its id. */
const sharedFailure = failureSchema.meta({ id: 'Failure' });
const { $schema: _, ...failure } = z.toJSONSchema(failureSchema);

/** How the OpenAPI 3.1 document is made of the routes that have a schema. */
export const documentOptions: FastifyDynamicSwaggerOptions = {
  openapi: {
    openapi: '3.1.0',
    info: {
      title: 'oci-server',
      version: '1.0.0',
      description: 'KCL packages and platform extensions from OCI registries.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{}, { bearer: [] }, { basic: [] }],
    components: {
      schemas: { Failure: failure as object },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        basic: { type: 'http', scheme: 'basic' },
      },
    },
  },
  transform: (route) =>
    route.schema === undefined
      ? { schema: { hide: true }, url: route.url }
      : jsonSchemaTransform(route),
};

/** What a call takes and gives, for Fastify's checks and for the document. */
export function routeSchema(name: CallName): FastifySchema {
  const { from } = calls[name];
  const { summary, input, data, status = 200 } = endpoints[name] as Endpoint<unknown, unknown>;
  return {
    operationId: name,
    summary,
    ...(from && { [{ body: 'body', query: 'querystring', path: 'params' }[from]]: input }),
    response: { ...failureResponses(), [status]: answer(summary, successSchema(data)) },
  };
}

export const eventsSchema: FastifySchema = {
  operationId: 'jobEvents',
  summary: 'What happens in a job, as server-sent events, until it ends',
  params: endpoints.getJob.input,
  response: {
    ...failureResponses(),
    200: {
      description: 'One `job` with the job, then `progress` with what happens, then one `end`.',
      content: { 'text/event-stream': { schema: z.unknown() } },
    },
  },
};

function failureResponses(): Readonly<Record<string, object>> {
  return Object.fromEntries(
    Object.entries(failures).map(([status, text]) => [status, answer(text, sharedFailure)]),
  );
}

function answer(description: string, schema: Schema<unknown>): object {
  return { description, content: { 'application/json': { schema } } };
}
