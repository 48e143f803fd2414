import type { IncomingMessage } from 'node:http';

import { Refusal } from './refusal.js';

/** `name`, `name:port` or `[ipv6]:port`. */
const grammar = /^(?:[\w.-]{1,255}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i;

/** The beginning of a target in absolute form (RFC 9112, section 3.2.2). */
const absolute = /^https?:\/\/([^/?#]*)/i;

/** Turns a target in absolute form into one in origin form. @returns the host that stood in it */
export function takeTargetHost(request: IncomingMessage): string | undefined {
  const { url = '' } = request;
  const [start, host] = absolute.exec(url) ?? [];
  if (start !== undefined) request.url = url.slice(start.length).replace(/^(?!\/)/, '/');
  return host;
}

/**
 * Returns the one host that a request is for; undefined for HTTP/1.0 without one. Two hosts, of which a
 * proxy may believe one and the server the other, are refused (RFC 9112, section 3.2).
 *
 * @param targetHost the host that stood in the target
 * @throws Refusal 400
 */
export function hostOf(
  { headersDistinct, httpVersion }: IncomingMessage,
  targetHost: string | undefined,
): string | undefined {
  const given = headersDistinct['host'] ?? [];
  const [host, ...others] = given;
  if (others.length > 0 || (targetHost !== undefined && targetHost !== host))
    throw malformed('the request names two hosts');
  if (host === undefined && httpVersion === '1.0') return undefined;
  if (host === undefined) throw malformed('the request has no Host header');
  if (!grammar.test(host)) throw malformed('the Host header is no name and port');
  return host;
}

/** What follows on the connection may be meant for somebody else. */
function malformed(message: string): Refusal {
  return new Refusal(400, 'USAGE', message, { headers: { connection: 'close' } });
}
