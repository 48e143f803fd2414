import { type CallOptions, OciError } from '@oci/spec-types';
import { parseRegistryPath } from '@oci/spec-types/registry-api';
import { quoted } from '@oci/spec-types/text';

import { repositoryScope } from './authorization/scope.js';
import type { Endpoint } from './repository/endpoint.js';
import type { RegistryRequest, RegistryResponse } from './transport/exchange.js';
import { isHeaderValue, isSettableHeader } from './transport/origin-headers.js';

/** A request that no method of these classes makes; it goes to the registry's own origin, with its credentials. */
export interface RawRequest {
  readonly method?: RegistryRequest['method'] | undefined;
  /** With its query, e.g. `/v2/team/tool/tags/list?n=5`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Uint8Array | AsyncIterable<Uint8Array> | undefined;
  /** Token scopes. Default: of a path of a repository those that its method needs, else none. */
  readonly scopes?: readonly string[] | undefined;
}

export interface RawRequestOptions extends CallOptions {
  /** Bytes of the body at most. Default 4 MiB. */
  readonly limit?: number | undefined;
}

/** The answer, whatever its status; a redirect to another origin is one. */
export interface RawResponse extends AsyncDisposable {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Not verified; fails with `LIMIT_EXCEEDED`. Read it to its end, or dispose of the answer: it holds a connection. */
  readonly body: AsyncIterable<Uint8Array>;
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** @throws OciError `USAGE`, and what a connection fails with */
export async function sendRaw(
  endpoint: Omit<Endpoint, 'name'>,
  raw: RawRequest,
  { limit = endpoint.limits.pageBytes, ...options }: RawRequestOptions,
): Promise<RawResponse> {
  const request = checkRequest(raw, endpoint.origin);
  const response = await endpoint.exchange({
    ...request,
    ...options,
    skipMirrors: true,
    staysHere: true,
  });
  return {
    status: response.status,
    headers: response.headers,
    body: bounded(response, limit),
    [Symbol.asyncDispose]: async () => response.body.destroy(),
  };
}

function checkRequest(raw: RawRequest, origin: URL): RegistryRequest {
  if (typeof raw !== 'object' || raw === null) throw usage(`${quoted(raw)} is not a request`);
  const { method = 'GET', path, headers = {}, body, scopes } = raw;
  if (!methods.includes(method)) throw usage(`${quoted(method)} is not a method of registries`);
  const url = urlOf(path, origin);
  return {
    method,
    url,
    headers: { 'accept-encoding': 'identity', ...checkedHeaders(headers) },
    ...(body !== undefined && { body: checkedBody(body) }),
    lane: body === undefined || body instanceof Uint8Array ? 'metadata' : 'upload',
    scopes: scopes ?? scopesOf(method, url.pathname),
  };
}

/** A path that a URL holds as it is written: whatever a parser would change means something else to a server. */
function urlOf(path: string, origin: URL): URL {
  const isPath = typeof path === 'string' && path.startsWith('/') && !path.startsWith('//');
  const url = isPath && URL.canParse(path, origin.href) ? new URL(path, origin) : undefined;
  const isSame = url?.origin === origin.origin && url.pathname + url.search === path;
  if (url && isSame && !/%(?:2e|2f|5c|[01][0-9a-f]|7f)/i.test(url.pathname)) return url;
  throw usage(
    `${quoted(path)} is not a path of ${origin.host}`,
    'It begins with one slash, and has no dot segments, no spaces and no fragment.',
  );
}

function checkedHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  if (typeof headers !== 'object' || headers === null) throw usage('headers are an object');
  const entries = Object.entries(headers).map(([name, value]) => {
    if (isSettableHeader(name) && isHeaderValue(value)) return [name.toLowerCase(), value] as const;
    throw usage(
      `the header ${quoted(name)} cannot be set`,
      'Credentials are options of the registry.',
    );
  });
  return Object.fromEntries(entries);
}

function checkedBody(body: NonNullable<RawRequest['body']>): NonNullable<RawRequest['body']> {
  if (body instanceof Uint8Array || Symbol.asyncIterator in Object(body)) return body;
  throw usage('a body is bytes or an async iterable of bytes', 'Encode text by TextEncoder.');
}

function scopesOf(method: string, pathname: string): readonly string[] {
  const route = parseRegistryPath(pathname);
  if (!route || !('name' in route)) return [];
  const reads = method === 'GET' || method === 'HEAD';
  return [repositoryScope(route.name, 'pull', ...(reads ? [] : (['push'] as const)))];
}

async function* bounded(
  response: RegistryResponse,
  limit: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.byteLength;
    if (size > limit) {
      throw new OciError('LIMIT_EXCEEDED', `${response.url.host} sends more than ${limit} bytes`, {
        hint: 'Give a higher limit.',
      });
    }
    yield chunk;
  }
}

function usage(
  message: string,
  hint = 'A request looks like { method, path, headers, body }.',
): OciError {
  return new OciError('USAGE', message, { hint });
}
