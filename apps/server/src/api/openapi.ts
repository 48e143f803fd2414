import * as z from 'zod';

import { type Call, type CallName, calls } from './calls.js';
import type { Endpoint } from './endpoint.js';
import { endpoints } from './endpoints.js';
import { type Schema, failureSchema, successSchema } from './json/envelope.js';

type Json = Readonly<Record<string, unknown>>;
type AnyEndpoint = Call & Endpoint<unknown, unknown>;

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

/** The OpenAPI 3.1 document of the API, from the schemas that validate it. */
export function openApiDocument(): Json {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const name of Object.keys(calls) as CallName[]) {
    const endpoint = { ...calls[name], ...endpoints[name] } as AnyEndpoint;
    (paths[endpoint.path] ??= {})[endpoint.method.toLowerCase()] = operation(name, endpoint);
  }
  (paths['/api/v1/oci/jobs/{id}/events'] ??= {})['get'] = eventsOperation();
  return {
    openapi: '3.1.0',
    info: {
      title: 'oci-server',
      version: '1.0.0',
      description: 'KCL packages and platform extensions from OCI registries.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{}, { bearer: [] }, { basic: [] }],
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        basic: { type: 'http', scheme: 'basic' },
      },
      schemas: { Failure: jsonSchema(failureSchema, 'output') },
    },
  };
}

function operation(name: string, endpoint: AnyEndpoint): Json {
  const { summary, input, from, data, status = 200 } = endpoint;
  const schema = input && jsonSchema(input, 'input');
  return {
    operationId: name,
    summary,
    ...(schema && from !== 'body' && { parameters: parameters(schema, from ?? 'query') }),
    ...(schema && from === 'body' && { requestBody: { required: true, content: json(schema) } }),
    responses: {
      [status]: { description: summary, content: json(jsonSchema(successSchema(data), 'output')) },
      ...failureResponses(),
    },
  };
}

function eventsOperation(): Json {
  const id = jsonSchema(endpoints.getJob.input ?? failureSchema, 'input');
  return {
    operationId: 'jobEvents',
    summary: 'What happens in a job, as server-sent events, until it ends',
    parameters: parameters(id, 'path'),
    responses: {
      200: {
        description: 'One `job` with the job, then `progress` with what happens, then one `end`.',
        content: { 'text/event-stream': { schema: {} } },
      },
      ...failureResponses(),
    },
  };
}

function parameters(schema: Json, where: string): readonly Json[] {
  const required = (schema['required'] ?? []) as readonly string[];
  return Object.entries((schema['properties'] ?? {}) as Readonly<Record<string, Json>>).map(
    ([name, property]) => ({
      name,
      in: where,
      required: required.includes(name),
      schema: property,
    }),
  );
}

function failureResponses(): Json {
  const content = json({ $ref: '#/components/schemas/Failure' });
  return Object.fromEntries(
    Object.entries(failures).map(([status, description]) => [status, { description, content }]),
  );
}

function json(schema: Json): Json {
  return { 'application/json': { schema } };
}

/** The JSON Schema (draft 2020-12, as OpenAPI 3.1 uses it) of what a schema takes or gives. */
function jsonSchema(schema: Schema<unknown>, side: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: side });
  return rest;
}
