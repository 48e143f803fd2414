import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

import { type Caller, type RegistryCaller, anonymous } from '../access/caller.js';

/** What is known of a request besides its message. */
export interface RequestContext {
  /** The client's `X-Request-Id` when it is a plain one; else a new one. */
  readonly id: string;
  /** The address of whoever asks, behind the proxies that are trusted. */
  readonly client: string;
  /** Of `performance.now()`. */
  readonly startedAt: number;
  /** The caller as logs name them; `anonymous` until the request was authenticated. */
  who: string;
}

/** A request that was let in with a credential of the caller's own, or anonymously. */
export interface CallerContext extends RequestContext {
  readonly caller: Caller;
}

/** A request of `/v2/` that was let in. */
export interface RegistryContext extends RequestContext {
  readonly caller: RegistryCaller;
}

const contexts = new WeakMap<IncomingMessage, RequestContext>();

export function openContext(request: IncomingMessage, client: string): RequestContext {
  const given = request.headers['x-request-id'];
  const id = typeof given === 'string' && /^[\w.-]{1,64}$/.test(given) ? given : randomUUID();
  const context = { id, client, startedAt: performance.now(), who: anonymous.subject };
  contexts.set(request, context);
  return context;
}

/** The context that the server opened before anything handles the request. */
export function contextOf(request: IncomingMessage): RequestContext {
  return contexts.get(request) ?? openContext(request, request.socket.remoteAddress ?? 'unknown');
}
