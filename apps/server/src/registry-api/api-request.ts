import type { IncomingMessage, ServerResponse } from 'node:http';

import type { HostedRegistry } from '../hosted/hosted-registry.js';

/** One request of the registry API, with what its handler needs. */
export interface ApiRequest {
  readonly registry: HostedRegistry;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  /** Fires when the client has gone. */
  readonly signal: AbortSignal;
}

/** Answers with headers and at most a short body; a HEAD gets no body. */
export function answer(
  { request, response }: Pick<ApiRequest, 'request' | 'response'>,
  status: number,
  headers: Readonly<Record<string, string | number>> = {},
  body?: Uint8Array | string,
): void {
  const content = body === undefined ? undefined : Buffer.from(body);
  response.writeHead(status, { 'content-length': content?.byteLength ?? 0, ...headers });
  response.end(request.method === 'HEAD' ? undefined : content);
}

export function answerJson(
  api: Pick<ApiRequest, 'request' | 'response'>,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  answer(api, 200, { 'content-type': 'application/json', ...headers }, JSON.stringify(value));
}
