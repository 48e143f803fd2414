import type { FastifyRequest } from 'fastify';

import type { Action } from '../access/rule.js';
import { type CallerContext, contextOf } from '../http/request-context.js';
import type { ServerParts } from '../server-parts.js';

const admitted = new WeakMap<FastifyRequest, CallerContext>();

/**
 * Lets a request in before its body is read. What a body names is checked afterwards; a caller who may do
 * nothing of the kind anywhere is refused here.
 *
 * @throws Refusal 401, 403, 429, 503
 */
export async function admit(
  { gate }: ServerParts,
  request: FastifyRequest,
  needs: readonly Action[],
): Promise<void> {
  const context = await gate.admit(request.raw, contextOf(request.raw));
  const isAllowed = needs.some((action) => gate.access.permitsWithin(context.caller, action));
  if (needs.length > 0 && !isAllowed) throw gate.refuse(context, needs.join(' or '), undefined);
  admitted.set(request, context);
}

/** The caller of a request that {@link admit} let in. */
export function callerOf(request: FastifyRequest): CallerContext {
  const context = admitted.get(request);
  if (!context) throw new Error('a request is handled that was not let in');
  return context;
}
