import { OciError } from '@oci/spec-types';

import { refuseUnsafeHop, resolvesInternally } from './address-policy.js';
import {
  type Exchange,
  type RegistryRequest,
  type RegistryResponse,
  canRepeat,
  header,
} from './exchange.js';

const maxRedirects = 10;

/** Headers that any server may see; all others are for the origin that was asked first. */
const anywhere = new Set(['accept', 'accept-encoding', 'range', 'content-type', 'content-length']);

/** What storage answers to an address whose signature has expired, as it may while a request waits its turn. */
const expired = new Set([400, 403, 410]);

/**
 * Follows redirects in a loop of our own: what was for one origin never reaches another, not even on
 * the way back (GHSA-vh4v-2xq2-g5cg), and every hop is checked. Where another host refuses, the first is
 * asked once more, for the address that it gave may have expired.
 */
export function followRedirects(next: Exchange): Exchange {
  return async (request) => {
    const response = await followAll(next, request);
    const isElsewhere = response.url.origin !== request.url.origin;
    if (!isElsewhere || !expired.has(response.status) || !canRepeat(request)) return response;
    await response.body.dump();
    return followAll(next, request);
  };
}

async function followAll(next: Exchange, request: RegistryRequest): Promise<RegistryResponse> {
  let current = request;
  for (let hops = 0; ; hops += 1) {
    const response = await next(current);
    const location = redirectLocation(response.status, header(response, 'location'), current.url);
    if (!location) return response;
    if (request.staysHere && location.origin !== request.url.origin) return response;
    await response.body.dump();
    if (hops >= maxRedirects)
      throw new OciError(
        'PROTOCOL',
        `${request.url.host} redirects more than ${maxRedirects} times`,
      );
    current = await follow(current, location, response.status);
  }
}

function redirectLocation(
  status: number,
  location: string | undefined,
  base: URL,
): URL | undefined {
  if (![301, 302, 303, 307, 308].includes(status) || location === undefined) return undefined;
  if (!URL.canParse(location, base.href)) {
    throw new OciError('PROTOCOL', `${base.host} redirects to what is not a URL`);
  }
  return new URL(location, base.href);
}

async function follow(request: RegistryRequest, to: URL, status: number): Promise<RegistryRequest> {
  refuseUnsafeHop(request.url, to);
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  if (!isRead && (status < 307 || !canRepeat(request))) {
    throw new OciError(
      'PROTOCOL',
      `${request.url.host} redirects a ${request.method} with ${status}`,
      {
        hint: 'Uploads are redirected with 307 or 308, or by their Location.',
      },
    );
  }
  if (to.origin === request.url.origin) return { ...request, url: to };
  if (!isRead && request.lane === 'token') {
    throw new OciError('POLICY_REFUSED', `${request.url.host} sends credentials on to ${to.host}`, {
      hint: 'A token server that is set up correctly does not do this; ask who runs it.',
    });
  }
  const headers = Object.fromEntries(
    Object.entries(request.headers).filter(([name]) => anywhere.has(name.toLowerCase())),
  );
  // From the first public host on, whoever led to that.
  const publicOnly = request.publicOnly || !(await resolvesInternally(request.url));
  return { ...request, url: to, headers, publicOnly, strayed: true };
}
