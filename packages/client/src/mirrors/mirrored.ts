import { type RepositoryName, asOciError, throwIfAborted } from '@oci/spec-types';
import { parseRetryAfter, parseRegistryPath, registryPaths } from '@oci/spec-types/registry-api';

import {
  type Exchange,
  type RegistryRequest,
  type RegistryResponse,
  type ResponseBody,
  header,
  wrapBody,
} from '../transport/exchange.js';
import { type MirrorLocation, type PullFromMirror, nameAt } from './mirror.js';
import { MirrorHealth } from './mirror-health.js';

/** A mirror, and the exchange of its own: its TLS, its credentials, its pace. */
export interface Mirror {
  readonly location: MirrorLocation;
  readonly origin: URL;
  readonly pullFrom: PullFromMirror;
  /** What it is told for `ns`. */
  readonly ns: string | undefined;
  readonly exchange: Exchange;
}

/**
 * Asks the mirrors in their order, then the registry itself. Only what is read of manifests and blobs is
 * asked of them; whatever is wrong with one, the next is asked. The bytes are verified as always.
 */
export function askMirrors(next: Exchange, mirrors: readonly Mirror[]): Exchange {
  const candidates = mirrors.map((mirror) => ({ mirror, health: new MirrorHealth() }));
  return async (request) => {
    const wanted = wantedOf(request);
    if (!wanted) return next(request);
    const { pathname } = request.url;
    for (const { mirror, health } of candidates) {
      const name = nameAt(mirror.location, wanted.name);
      if (!name || !wanted.isFor(mirror.pullFrom) || !health.isWorthAsking(pathname)) continue;
      const scopes = request.scopes.map((scope) => scope.replace(`:${wanted.name}:`, `:${name}:`));
      const asked = { ...request, scopes, url: new URL(wanted.path(name), mirror.origin) };
      const response = await ask(mirror, health, { request: asked, pathname });
      if (response) return response;
    }
    return next(request);
  };
}

interface Wanted {
  readonly name: RepositoryName;
  isFor(pullFrom: PullFromMirror): boolean;
  path(name: RepositoryName): string;
}

/** What a mirror may be asked for; undefined for all that writes, lists, or decides what is written. */
function wantedOf(request: RegistryRequest): Wanted | undefined {
  const { method, url } = request;
  if (request.skipMirrors || (method !== 'GET' && method !== 'HEAD')) return undefined;
  const route = parseRegistryPath(url.pathname);
  // A HEAD for a blob is a pusher's question.
  if (route?.endpoint === 'blob' && method === 'GET') {
    return {
      name: route.name,
      isFor: (pullFrom) => pullFrom !== 'tag-only',
      path: (name) => registryPaths.blob(name, route.digest),
    };
  }
  if (route?.endpoint !== 'manifest') return undefined;
  const { reference } = route;
  const byTag = 'tag' in reference;
  return {
    name: route.name,
    isFor: (pullFrom) => pullFrom === 'all' || pullFrom === (byTag ? 'tag-only' : 'digest-only'),
    path: (name) => registryPaths.manifest(name, byTag ? reference.tag : reference.digest),
  };
}

/** The mirror's answer, when it is the content that was asked for. */
async function ask(
  mirror: Mirror,
  health: MirrorHealth,
  { request, pathname }: { request: RegistryRequest; pathname: string },
): Promise<RegistryResponse | undefined> {
  const { url } = request;
  if (mirror.ns !== undefined) url.searchParams.set('ns', mirror.ns);
  const { host } = mirror.location;
  const passOver = (reason: string): undefined => {
    request.onEvent?.({ type: 'mirror', host, used: false, reason });
  };
  try {
    const response = await mirror.exchange({ ...request, publicOnly: undefined });
    if (response.status === 200 || response.status === 206) {
      health.succeeded();
      request.onEvent?.({ type: 'mirror', host, used: true });
      const discredit = (): void => health.discredit(pathname);
      return { ...response, body: watched(response.body, health), discredit };
    }
    await response.body.dump();
    const { status } = response;
    if (status === 429 || status >= 500)
      health.failed(parseRetryAfter(header(response, 'retry-after')));
    return passOver(`${host} answered ${status}`);
  } catch (thrown) {
    throwIfAborted(request.signal);
    const error = asOciError(thrown);
    health.failed(error.retryAfterMs);
    return passOver(error.message);
  }
}

/** A body whose connection breaks counts against the mirror, so that another is asked for the rest. */
function watched(body: ResponseBody, health: MirrorHealth): ResponseBody {
  return wrapBody(body, async function* (chunks) {
    try {
      yield* chunks;
    } catch (error) {
      health.failed();
      throw error;
    }
  });
}
