import { gzipSync } from 'node:zlib';

import { bytesOf } from '../bytes.js';
import type { RegistryRequest } from './endpoint.js';
import type { Fault } from './fault.js';
import { type Reply, reply } from './reply.js';

/** The answer of a fault that answers itself; undefined when the registry has to. */
export function replyOfFault(fault: Fault, { url }: RegistryRequest): Reply | undefined {
  const { status, redirect, body = '' } = fault;
  if (status === undefined && redirect === undefined) return undefined;
  const location = typeof redirect === 'function' ? redirect(url.pathname + url.search) : redirect;
  const isJson = typeof body === 'object' && !(body instanceof Uint8Array);
  const headers = {
    'content-type': isJson ? 'application/json' : 'text/plain',
    ...(location !== undefined && { location }),
  };
  return reply(status ?? 307, headers, encode(body));
}

function encode(body: string | Uint8Array | object): Uint8Array {
  if (body instanceof Uint8Array) return body;
  return bytesOf(typeof body === 'string' ? body : JSON.stringify(body));
}

/** The answer with the body and headers that a fault makes of it. */
export function alterReply(original: Reply, fault: Fault): Reply {
  const { bodyTransform, contentRange } = fault;
  const headers: Record<string, string | readonly string[]> = { ...original.headers };
  let body = bodyTransform ? bodyTransform(original.body.slice()) : original.body;
  if (fault.gzip === true) {
    body = gzipSync(body);
    headers['content-encoding'] = 'gzip';
  }
  if (contentRange !== undefined) headers['content-range'] = contentRange;
  for (const [name, value] of Object.entries(fault.headers ?? {}))
    headers[name.toLowerCase()] = value;
  return { status: original.status, headers, body };
}
