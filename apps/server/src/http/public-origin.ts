import type { IncomingMessage } from 'node:http';

import type { TrustedProxies } from './client-address.js';

export interface OriginOptions {
  readonly publicUrl: string | undefined;
  readonly isTls: boolean;
  readonly proxies: TrustedProxies;
  /** What stands when the request names no host that can be repeated. */
  readonly listening: string;
}

/** Returns the scheme and host that the client of a request reaches the server by, without a slash. */
export function publicOrigin(request: IncomingMessage, options: OriginOptions): string {
  const { publicUrl, isTls, proxies, listening } = options;
  if (publicUrl !== undefined) return publicUrl.replace(/\/$/, '');
  const forwarded = proxies.forwardedOf(request);
  const { host = request.headers.host ?? '', scheme = isTls ? 'https' : 'http' } = forwarded;
  return isRepeatable(host) ? `${scheme}://${host}` : listening;
}

/** A host goes into a quoted string of a challenge. */
function isRepeatable(host: string): boolean {
  return /^[\w.:[\]-]{1,255}$/.test(host);
}
