import type { RequestListener, Server } from 'node:http';

import { type OciManager, artifactJson } from '@oci/manager';
import { OciError, asOciError } from '@oci/spec-types';
import {
  type ListArtifactsRequest,
  type ListArtifactsResponse,
  errorJson,
  listArtifactsRequestSchema,
} from '@oci/spec-types/api';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';

import { statusOf } from './error-status.js';

export interface AppOptions {
  /** Whose artifacts the API lists. */
  readonly manager: () => OciManager;
  /** The one server that the API shares with the registry. */
  readonly attach: (handler: RequestListener) => Server;
  /** Lines that Fastify's logger writes; default none. */
  readonly logLevel?: string | undefined;
}

/** Bytes of a request body; every request of this API is a few identifiers. */
const bodyLimit = 64 * 1024;

/** `/api/v1/oci/…` and `/healthz`: everything but the registry's own paths. */
export function createApp(options: AppOptions): FastifyInstance {
  const app = Fastify({
    bodyLimit,
    serverFactory: options.attach,
    logger: options.logLevel === undefined ? false : { level: options.logLevel },
  });
  app.setErrorHandler((error, _request, reply) => sendFailure(fromFastify(error), reply));
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({
      success: false,
      error: {
        code: 'NOT_FOUND',
        message: `there is no ${request.method} ${pathOf(request)}`,
        hint: null,
      },
    }),
  );
  app.get('/healthz', () => ({ status: 'ok' }));
  app.post('/api/v1/oci/artifacts', async (request): Promise<ListArtifactsResponse> => {
    const { namespace } = listRequest(request.body);
    const artifacts = await options.manager().listOciArtifacts(namespace);
    return { success: true, data: artifacts.map(artifactJson) };
  });
  return app;
}

function listRequest(body: unknown): ListArtifactsRequest {
  const result = listArtifactsRequestSchema.safeParse(body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new OciError(
    'USAGE',
    `invalid request: ${issue?.path.join('.') || 'body'}: ${issue?.message}`,
    {
      hint: 'Send a JSON object like {"namespace":"kcl"}.',
    },
  );
}

function sendFailure(error: OciError, reply: FastifyReply): FastifyReply {
  return reply
    .code(statusOf(error.code))
    .send({ success: false, error: errorJson(publicError(error)) });
}

/** Paths and defects of this machine are for its log, not for whoever asks. */
function publicError(error: OciError): OciError {
  const status = statusOf(error.code);
  if (status !== 500 && status !== 507) return error;
  return new OciError(error.code, 'the server could not store or process it', {
    hint: 'The server log has the reason.',
  });
}

function fromFastify(error: unknown): OciError {
  const { statusCode, message } = error as { statusCode?: number; message?: string };
  if (statusCode !== undefined && statusCode < 500)
    return new OciError('USAGE', message ?? 'bad request');
  return asOciError(error);
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? '/';
}
