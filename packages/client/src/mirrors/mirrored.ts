import { asOciError, parseRegistryPath, registryPaths, throwIfAborted } from '@oci/spec-types';

import {
  type Exchange,
  type RegistryRequest,
  type RegistryResponse,
  type ResponseBody,
  header,
} from '../transport/exchange.js';
import { parseRetryAfter } from '../transport/retry-after.js';
import type { MirrorLocation, PullFromMirror } from './mirror.js';
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
      if (!wanted.allows(mirror) || !health.isWorthAsking(pathname)) continue;
      const response = await ask(mirror, health, { request, path: wanted.path(mirror) });
      if (response) return response;
    }
    return next(request);
  };
}

interface Wanted {
  allows(mirror: Mirror): boolean;
  path(mirror: Mirror): string;
}

/** What a mirror may be asked for; undefined for all that writes, lists, or decides what is written. */
function wantedOf(request: RegistryRequest): Wanted | undefined {
  const { method, url } = request;
  if (request.skipMirrors || (method !== 'GET' && method !== 'HEAD')) return undefined;
  const route = parseRegistryPath(url.pathname);
  // A HEAD for a blob is a pusher's question.
  if (route?.endpoint === 'blob' && method === 'GET') {
    return {
      allows: ({ pullFrom }) => pullFrom !== 'tag-only',
      path: ({ location }) => registryPaths.blob(below(location, route.name), route.digest),
    };
  }
  if (route?.endpoint !== 'manifest') return undefined;
  const { name, reference } = route;
  const byTag = 'tag' in reference;
  return {
    allows: ({ pullFrom }) =>
      pullFrom === 'all' || pullFrom === (byTag ? 'tag-only' : 'digest-only'),
    path: ({ location }) =>
      registryPaths.manifest(below(location, name), byTag ? reference.tag : reference.digest),
  };
}

function below<Name extends string>({ prefix }: MirrorLocation, name: Name): Name {
  return `${prefix}${name}` as Name;
}

/** The mirror's answer, when it is the content that was asked for. */
async function ask(
  mirror: Mirror,
  health: MirrorHealth,
  { request, path }: { request: RegistryRequest; path: string },
): Promise<RegistryResponse | undefined> {
  const url = new URL(path, mirror.origin);
  if (mirror.ns !== undefined) url.searchParams.set('ns', mirror.ns);
  const { host } = mirror.location;
  const passOver = (reason: string): undefined => {
    request.onEvent?.({ type: 'mirror', host, used: false, reason });
  };
  try {
    const scopes = scopesAt(mirror, request);
    const response = await mirror.exchange({ ...request, url, scopes, publicOnly: undefined });
    if (response.status === 200 || response.status === 206) {
      health.succeeded();
      request.onEvent?.({ type: 'mirror', host, used: true });
      const discredit = (): void => health.discredit(request.url.pathname);
      return { ...response, body: watched(response.body, health), discredit };
    }
    await response.body.dump();
    const { status } = response;
    if (status === 429 || status >= 500)
      health.failed(parseRetryAfter(header(response, 'retry-after')));
    return passOver(`${host} answered ${status}`);
  } catch (thrown) {
    throwIfAborted(request.signal);
    health.failed();
    return passOver(asOciError(thrown).message);
  }
}

/** The token scopes are for the repository as the mirror calls it. */
function scopesAt({ location }: Mirror, { scopes }: RegistryRequest): readonly string[] {
  return scopes.map((scope) => scope.replace(/^repository:/, `repository:${location.prefix}`));
}

/** A body whose connection breaks counts against the mirror, so that another is asked for the rest. */
function watched(body: ResponseBody, health: MirrorHealth): ResponseBody {
  return {
    async *[Symbol.asyncIterator]() {
      try {
        yield* body;
      } catch (error) {
        health.failed();
        throw error;
      }
    },
    dump: () => body.dump(),
    destroy: () => body.destroy(),
  };
}
