import { type RepositoryName, isDigest } from '@oci/spec-types';
import type { RegistryRoute } from '@oci/spec-types/registry-api';

import type { AuditEvent } from '../audit/audit-line.js';
import { contextOf } from '../http/request-context.js';
import type { RegistryParts } from '../server-parts.js';
import type { ApiRequest } from './api-request.js';

interface Operation {
  readonly event: AuditEvent & ('pull' | 'push' | 'delete');
  readonly kind: 'manifest' | 'blob';
  readonly repository: RepositoryName;
  readonly reference?: string | undefined;
}

/** How a request ended. */
export interface RequestEnd {
  readonly route: RegistryRoute | undefined;
  /** Whether the client got all of the answer. */
  readonly isWhole: boolean;
  /** What did not allow it, besides the rules for callers. */
  readonly refusedBy?: string | undefined;
  /** Whether the server was not able to do it. */
  readonly isDefect: boolean;
}

const refusals: ReadonlySet<number> = new Set([401, 403, 429, 503]);

/**
 * Counts and writes down a pull, a push or a delete, once it was done and its answer has ended or broken off.
 * A change has taken place also where nobody heard of it; content was pulled when all of it was sent.
 */
export function noteEnd(
  parts: RegistryParts,
  api: ApiRequest,
  { route, isWhole, refusedBy, isDefect }: RequestEnd,
): void {
  const { request, response, transfer } = api;
  const { metrics, audit } = parts;
  const context = contextOf(request);
  const direction = request.method === 'GET' ? 'to_client' : 'from_client';
  if (transfer.bytes > 0) metrics.transferredBytes.inc({ direction }, transfer.bytes);
  const operation = operationOf(api, route);
  const status = response.statusCode;
  // Who was refused is in the log as that.
  if (!operation || (refusals.has(status) && !isDefect)) return;
  const { event, kind, repository, reference } = operation;
  const ok = status < 400 && (event === 'pull' ? isWhole : response.headersSent);
  const result = ok ? 'ok' : 'failed';
  if (refusedBy !== undefined) metrics.denials.inc({ reason: refusedBy });
  if (ok && event === 'pull' && kind === 'manifest' && status === 200)
    notePull(parts, api, repository);
  if (event === 'pull' && kind === 'manifest') metrics.pulls.inc({ kind: 'registry', result });
  if (event === 'push') metrics.pushes.inc({ kind, result });
  if (ok && event !== 'pull') parts.index.changed(repository);
  audit?.record({
    event,
    result: refusedBy === undefined ? result : 'denied',
    who: context.who,
    client: context.client,
    request_id: context.id,
    repository,
    reference,
    digest: digestOf(api),
    bytes: transfer.bytes,
    source: 'hosted',
    duration_ms: Math.round(performance.now() - context.startedAt),
    detail: refusedBy ?? (isWhole ? statusDetail(ok, status) : 'broken off'),
  });
}

function statusDetail(ok: boolean, status: number): string | undefined {
  return ok ? undefined : `status ${status}`;
}

/** A manifest that was sent whole; a reader that has it already, or asks for its headers, pulls nothing. */
function notePull({ hosted }: RegistryParts, api: ApiRequest, repository: RepositoryName): void {
  const digest = digestOf(api);
  if (digest !== undefined && isDigest(digest)) hosted.pulls.note(repository, digest);
}

function operationOf(
  { request: { method }, response, query }: ApiRequest,
  route: RegistryRoute | undefined,
): Operation | undefined {
  switch (route?.endpoint) {
    case 'manifest': {
      const event = eventOf(method);
      const { name: repository, reference } = route;
      const text = 'tag' in reference ? reference.tag : reference.digest;
      return event && { event, kind: 'manifest', repository, reference: text };
    }
    case 'blob': {
      const event = eventOf(method);
      return event && { event, kind: 'blob', repository: route.name, reference: route.digest };
    }
    case 'uploads':
    case 'upload': {
      // A session that was begun, or got a piece, is no push yet.
      const isEnd = response.statusCode === 201 || method === 'PUT' || query.has('digest');
      if (!isEnd) return undefined;
      const reference = query.get('digest') ?? query.get('mount') ?? undefined;
      return { event: 'push', kind: 'blob', repository: route.name, reference };
    }
    default:
      return undefined;
  }
}

function eventOf(method: string | undefined): Operation['event'] | undefined {
  if (method === 'GET') return 'pull';
  if (method === 'PUT') return 'push';
  return method === 'DELETE' ? 'delete' : undefined;
}

/** Headers that are set before `writeHead` keeps what it is given, so that they can be read again. */
function digestOf({ response }: ApiRequest): string | undefined {
  const digest = response.getHeader('docker-content-digest');
  return typeof digest === 'string' ? digest : undefined;
}
