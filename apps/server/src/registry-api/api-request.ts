import type { IncomingMessage, ServerResponse } from 'node:http';

import type { RepositoryName } from '@oci/spec-types';

import type { HostedRegistry } from '../hosted/hosted-registry.js';

/** One request of the registry API, with what its handler needs. */
export interface ApiRequest {
  readonly registry: HostedRegistry;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  /** Fires when the client has gone. */
  readonly signal: AbortSignal;
  /** Bytes of content that were read from the client or sent to it. */
  readonly transfer: { bytes: number; /** Of one blob. */ readonly atMost: number };
  /** Whether manifests are taken whose content is missing. */
  readonly isSparseAllowed: boolean;
  /** What the caller may see of other repositories than that of the path. */
  readonly permits: {
    readonly mount: (from: RepositoryName) => boolean;
    readonly list: (name: RepositoryName) => boolean;
    /** Tells whether anonymous callers may pull. */
    readonly everyone: (name: RepositoryName) => boolean;
  };
}

/** Answers with headers and at most a short body; a HEAD gets no body. */
export function answer(
  { request, response }: Pick<ApiRequest, 'request' | 'response'>,
  status: number,
  headers: Readonly<Record<string, string | number>> = {},
  body?: Uint8Array | string,
): void {
  // Bytes are sent as they are: one copy for each who asks would be all that memory holds.
  const content = typeof body === 'string' ? Buffer.from(body) : body;
  response.writeHead(status, { 'content-length': content?.byteLength ?? 0, ...headers });
  response.end(request.method === 'HEAD' ? undefined : content);
}

/** Answers a reader that has the content already (RFC 9110, section 15.4.5). */
export function answerNotModified(
  { response }: Pick<ApiRequest, 'response'>,
  headers: Readonly<Record<string, string | number>>,
): void {
  const { 'content-length': _, 'content-type': __, ...kept } = headers;
  response.writeHead(304, kept).end();
}

export function answerJson(
  api: Pick<ApiRequest, 'request' | 'response'>,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  answer(api, 200, { 'content-type': 'application/json', ...headers }, JSON.stringify(value));
}
