import type { IncomingMessage, ServerResponse } from 'node:http';

import { alterReply, replyOfFault } from './alter-reply.js';
import type { Authorization } from './authorization.js';
import type { RegistryContent } from './content.js';
import type { Behaviour, RegistryRequest } from './endpoint.js';
import type { Fault } from './fault.js';
import type { FaultList } from './fault-list.js';
import type { Recorder } from './recorded-request.js';
import { type Reply, errorReply } from './reply.js';
import { readRequestBody } from './request-body.js';
import { answer } from './route.js';
import { breakConnection, sendReply } from './send-reply.js';

/** What answers the requests of a registry. */
export interface Site {
  readonly origin: string;
  readonly content: RegistryContent;
  readonly behaviour: Behaviour;
  readonly authorization: Authorization;
  readonly faults: FaultList;
  readonly recorder: Recorder;
}

/** Takes one request from its arrival to the end of its answer. */
export async function serve(
  site: Site,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const method = incoming.method ?? 'GET';
  const url = new URL(incoming.url ?? '/', site.origin);
  const entry = site.recorder.begin(method, url, incoming.headers);
  const fault = site.faults.take(method, url) ?? { path: '' };
  // A client that goes away while an answer is under way is no failure of the registry.
  response.on('error', () => {});

  const body =
    fault.early === true
      ? undefined
      : await readRequestBody(incoming, fault.destroyAfterRequestBytes);
  entry.body = body?.bytes ?? entry.body;
  const request: RegistryRequest = {
    method,
    url,
    headers:
      fault.ignoreRange === true ? { ...incoming.headers, range: undefined } : incoming.headers,
    body: entry.body,
    complete: body?.complete ?? false,
  };
  const reply = replyTo(site, request, fault);
  if (fault.delayUntil) await fault.delayUntil.catch(() => {});
  if (fault.destroyBeforeHeaders === true || fault.destroyAfterRequestBytes !== undefined) {
    breakConnection(incoming.socket, fault);
    return;
  }
  if (response.destroyed) return;
  await sendReply(response, alterReply(reply, fault), { fault, entry });
}

function replyTo(site: Site, request: RegistryRequest, fault: Fault): Reply {
  const faulty = replyOfFault(fault, request);
  if (faulty && fault.handled !== true) return faulty;
  const silent = fault.destroyBeforeHeaders === true && fault.handled !== true;
  const handled = silent ? errorReply(500, 'UNSUPPORTED') : handle(site, request);
  return faulty ?? handled;
}

function handle(site: Site, request: RegistryRequest): Reply {
  const { content, behaviour } = site;
  return site.authorization.check(request) ?? answer({ content, behaviour, request });
}
