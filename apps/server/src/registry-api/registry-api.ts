import type { IncomingMessage, ServerResponse } from 'node:http';

import { type RegistryRoute, parseRegistryPath } from '@oci/spec-types';

import type { HostedRegistry } from '../hosted/hosted-registry.js';
import { ApiError, answerFailure } from './api-error.js';
import { type ApiRequest, answer } from './api-request.js';
import { serveBlob } from './blob-endpoint.js';
import { serveCatalog, serveTags } from './list-endpoints.js';
import { serveManifest } from './manifest-endpoint.js';
import { serveReferrers } from './referrers-endpoint.js';
import { serveUpload, serveUploads } from './upload-endpoints.js';

export interface RegistryApiOptions {
  readonly registry: HostedRegistry;
  /** Hears of failures that are ours and not the client's. */
  readonly onFailure?: ((error: unknown) => void) | undefined;
}

/** The distribution specification's API on the raw request and response of `node:http`. */
export function createRegistryApi(
  options: RegistryApiOptions,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const { path, query } = splitTarget(request.url ?? '');
    const api: ApiRequest = {
      registry: options.registry,
      request,
      response,
      query,
      signal: gone.signal,
    };
    response.setHeader('docker-distribution-api-version', 'registry/2.0');
    response.setHeader('x-content-type-options', 'nosniff');
    try {
      await dispatch(api, parseRegistryPath(path));
    } catch (error) {
      if (!(error instanceof ApiError) && !gone.signal.aborted) options.onFailure?.(error);
      answerFailure(api, error);
    }
  };
}

async function dispatch(api: ApiRequest, route: RegistryRoute | undefined): Promise<void> {
  switch (route?.endpoint) {
    case 'base':
      allow(api, 'GET', 'HEAD');
      return answer(api, 200, { 'content-type': 'application/json' }, '{}');
    case 'catalog':
      allow(api, 'GET');
      return serveCatalog(api);
    case 'tags':
      allow(api, 'GET');
      return serveTags(api, route.name);
    case 'manifest':
      allow(api, 'GET', 'HEAD', 'PUT', 'DELETE');
      return serveManifest(api, route);
    case 'blob':
      allow(api, 'GET', 'HEAD', 'DELETE');
      return serveBlob(api, route);
    case 'uploads':
      allow(api, 'POST');
      return serveUploads(api, route.name);
    case 'upload':
      allow(api, 'GET', 'PATCH', 'PUT', 'DELETE');
      return serveUpload(api, route);
    case 'referrers':
      allow(api, 'GET');
      return serveReferrers(api, route);
    case 'invalid':
      throw new ApiError(400, route.code, 'the path has a malformed name, tag or digest');
    case undefined:
      throw new ApiError(404, 'UNSUPPORTED', 'the registry API has no such path');
  }
}

function splitTarget(target: string): { path: string; query: URLSearchParams } {
  const mark = target.indexOf('?');
  if (mark < 0) return { path: target, query: new URLSearchParams() };
  return { path: target.slice(0, mark), query: new URLSearchParams(target.slice(mark + 1)) };
}

function allow({ request }: ApiRequest, ...methods: readonly string[]): void {
  if (methods.includes(request.method ?? '')) return;
  throw new ApiError(405, 'UNSUPPORTED', `${request.method} is not supported here`, {
    allow: methods.join(', '),
  });
}
