import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

import { isLoopback } from '@oci/spec-types/node';

import { Refusal } from './refusal.js';

/** What a server is called, and whether that matters. */
export interface ServedNames {
  /** The host that the server listens on. */
  readonly listenHost: string;
  readonly publicUrl: string | undefined;
  /** Whether callers show credentials, which a page of somebody else does not have. */
  readonly isRestricted: boolean;
  /** What a trusted proxy says that it is called. */
  readonly forwardedHost: string | undefined;
}

/**
 * Keeps pages of other sites from using a server that their reader's browser reaches: by a name of
 * their own that points to it (DNS rebinding), or by requests across origins.
 *
 * @throws Refusal 403
 */
export function refuseForeignPages(
  request: IncomingMessage,
  host: string | undefined,
  names: ServedNames,
): void {
  if (host !== undefined && !names.isRestricted && !isOwnName(host, names)) {
    throw new Refusal(403, 'DENIED', `${host} is no name of this server`, {
      hint: 'Set server.public_url to the URL that clients use, or ask by a loopback address.',
    });
  }
  if (isOfAnotherSite(request, host, names)) {
    throw new Refusal(403, 'DENIED', 'a page of another site may not use this server', {
      hint: 'Open the page of the server itself, or set server.public_url to the URL of that page.',
    });
  }
}

/**
 * Without rules a name is all that tells the server's own page from another one. An address belongs to
 * nobody's page but that of the machine that has it, and a name without a dot is given by the local network.
 */
function isOwnName(host: string, { listenHost, publicUrl }: ServedNames): boolean {
  const name = nameOf(`http://${host}`);
  if (name === undefined) return false;
  if (name === listenHost.toLowerCase() || isLoopbackName(name)) return true;
  if (publicUrl !== undefined && name === nameOf(publicUrl)) return true;
  return !isLoopback(listenHost) && (isIP(name) !== 0 || !name.includes('.'));
}

function isLoopbackName(name: string): boolean {
  return isLoopback(name) || name.endsWith('.localhost');
}

/** `Origin` is sent with every request that may change something, `Sec-Fetch-Site` by all that is on loopback or TLS. */
function isOfAnotherSite(
  { headers, method }: IncomingMessage,
  host: string | undefined,
  { publicUrl, forwardedHost }: ServedNames,
): boolean {
  const { origin } = headers;
  if (origin !== undefined) {
    const own = [host, forwardedHost, publicUrl && hostOf(publicUrl)];
    return !own.some((name) => name !== undefined && isOrigin(origin, name));
  }
  const site = headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none') return false;
  // Following a link shows its reader something, and the page with the link nothing.
  return !(method === 'GET' && headers['sec-fetch-mode'] === 'navigate');
}

/** The scheme is the browser's: a proxy may have taken TLS off. */
function isOrigin(origin: string, host: string): boolean {
  if (!/^https?:\/\//.test(origin) || !URL.canParse(origin)) return false;
  const { protocol, host: asked } = new URL(origin);
  return asked === hostOf(`${protocol}//${host}`);
}

function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).host : undefined;
}

/** Without the brackets of an IPv6 address and the dot of an absolute name. */
function nameOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  return new URL(url).hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
}
