import type { IncomingMessage, ServerResponse } from 'node:http';

import { type RepositoryName, isRepositoryName } from '@oci/spec-types';
import { type RegistryRoute, parseRegistryPath } from '@oci/spec-types/registry-api';

import { RegistryGuard, challenge } from '../access/registry-guard.js';
import { QuotaExceeded } from '../hosted/quota/quota-failure.js';
import { Refusal } from '../http/refusal.js';
import { type RegistryContext, contextOf } from '../http/request-context.js';
import { parseTarget } from '../http/request-target.js';
import type { RegistryParts } from '../server-parts.js';
import { ApiError, answerFailure, apiErrorOf, isOfImmutableTag } from './api-error.js';
import { type ApiRequest, answer } from './api-request.js';
import { serveBlob } from './blob-endpoint.js';
import { serveCatalog, serveTags } from './list-endpoints.js';
import { serveManifest } from './manifest-endpoint.js';
import { noteEnd } from './operation-record.js';
import { serveReferrers } from './referrers-endpoint.js';
import { serveUpload, serveUploads } from './upload-endpoints.js';

export interface RegistryApiOptions {
  readonly parts: RegistryParts;
  /** Where clients get tokens: `https://host/token`. */
  readonly realm: (request: IncomingMessage) => string;
}

/** The distribution specification's API on the raw request and response of `node:http`. */
export function createRegistryApi(
  options: RegistryApiOptions,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const { parts } = options;
  const guard = new RegistryGuard(parts.gate);
  return async (request, response) => {
    const gone = new Gone(response);
    const opened = contextOf(request);
    const { path, query } = parseTarget(request.url ?? '');
    const route = parseRegistryPath(path);
    const api = openRequest(parts, { request, response, query }, gone);
    response.setHeader('docker-distribution-api-version', 'registry/2.0');
    const method = request.method ?? 'GET';
    let isAdmitted = false;
    let refusedBy: string | undefined;
    let isDefect = false;
    try {
      const context = await parts.gate.admitRegistry(request, opened);
      isAdmitted = true;
      guard.require(
        context,
        { method, realm: options.realm(request), mountFrom: mountFromOf(query) },
        route,
      );
      await dispatch(Object.assign(api, { permits: permitsOf(guard, context) }), route);
    } catch (error) {
      if (error instanceof QuotaExceeded && route && 'name' in route)
        parts.gate.noteOverQuota(opened, route.name, error.message);
      if (isOfImmutableTag(error)) refusedBy = 'immutable tag';
      const isChallenge = error instanceof Refusal && error.status === 401;
      const shown = isChallenge ? withRealm(error, options.realm(request)) : error;
      const failure = apiErrorOf(shown, method);
      isDefect = failure.isDefect;
      if ((isDefect || response.headersSent) && !gone.isBroken) parts.onDefect(error, opened.id);
      answerFailure(api, failure);
    }
    // Who hangs up early does not decide what is written down: it is what was done.
    await gone.closed;
    if (isAdmitted) noteEnd(parts, api, { route, isWhole: !gone.isBroken, refusedBy, isDefect });
  };
}

function openRequest(
  parts: RegistryParts,
  message: Pick<ApiRequest, 'request' | 'response' | 'query'>,
  gone: Gone,
): ApiRequest {
  return {
    ...message,
    registry: parts.hosted,
    get signal() {
      return gone.signal;
    },
    transfer: { bytes: 0, atMost: parts.maxUploadBytes() },
    isSparseAllowed: parts.isSparseAllowed(),
    // Nothing is permitted before the caller is known.
    permits: { mount: () => false, list: () => false, everyone: () => false },
  };
}

function permitsOf(guard: RegistryGuard, context: RegistryContext): ApiRequest['permits'] {
  return {
    mount: (from) => guard.mayMount(context, from),
    list: (name) => guard.mayList(context, name),
    everyone: (name) => guard.mayEveryonePull(name),
  };
}

function mountFromOf(query: URLSearchParams): RepositoryName | undefined {
  const from = query.has('mount') ? query.get('from') : null;
  return from !== null && isRepositoryName(from) ? from : undefined;
}

/** Tells that the client went before its answer had ended; most requests never need to be told. */
class Gone {
  /** Ends when the answer has ended, or broken off. */
  readonly closed: Promise<void>;
  /** Whether it broke off; an answer that is ended afterwards reaches nobody. */
  isBroken = false;
  #controller: AbortController | undefined;

  constructor(response: ServerResponse) {
    this.closed = new Promise((resolve) => {
      response.on('close', () => {
        this.isBroken = !response.writableFinished;
        if (this.isBroken) this.#controller?.abort();
        resolve();
      });
    });
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.isBroken) this.#controller.abort();
    return this.#controller.signal;
  }
}

/** Wrong credentials are answered with where to get right ones, too. */
function withRealm(refusal: Refusal, realm: string): Refusal {
  const isChallenge = refusal.headers['www-authenticate']?.includes('service=');
  return isChallenge ? refusal : challenge(realm, { message: refusal.message });
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
      throw malformed(api, route.code);
    case undefined:
      throw new ApiError(404, 'UNSUPPORTED', 'the registry API has no such path');
  }
}

/** No manifest has a malformed tag, so that asking for one finds nothing; only a push of it is malformed. */
function malformed(
  { request }: ApiRequest,
  code: Extract<RegistryRoute, { endpoint: 'invalid' }>['code'],
): ApiError {
  if (code !== 'TAG_INVALID')
    return new ApiError(400, code, 'the path has a malformed name or digest');
  return request.method === 'PUT'
    ? new ApiError(400, 'MANIFEST_INVALID', 'the tag is malformed')
    : new ApiError(404, 'MANIFEST_UNKNOWN', 'no manifest can have a tag of this form');
}

function allow({ request }: ApiRequest, ...methods: readonly string[]): void {
  if (methods.includes(request.method ?? '')) return;
  throw new ApiError(405, 'UNSUPPORTED', `${request.method} is not supported here`, {
    allow: methods.join(', '),
  });
}
