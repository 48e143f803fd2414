import { once } from 'node:events';
import {
  type IncomingMessage,
  type ServerResponse,
  createServer,
  request as httpRequest,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

import { collect } from '../bytes.js';
import type { Certificate } from '../registry/certificate.js';

/**
 * How a proxy treats one request: passes it on, answers by a status of its own, breaks the connection before the
 * service has the request, or when it has answered; never answers, or stops in the middle of the answer.
 */
export type ProxyFault =
  'none' | 'reset' | 'answer lost' | 'silent' | 'answer stops' | { readonly status: number };

/** A request that came to a proxy. */
export interface ProxiedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
}

/** A server before an HTTP service, which tests break the connection with. */
export interface FaultyProxy {
  readonly endpoint: string;
  /** All that came, in order. */
  readonly requests: readonly ProxiedRequest[];
  /** Decides from now on; `count` begins again with 1. Default: none. */
  breakBy(decide: (request: ProxiedRequest, count: number) => ProxyFault): void;
  close(): Promise<void>;
}

/** Starts a proxy before an `http:` origin; with a certificate it speaks HTTPS. */
export async function startFaultyProxy(
  origin: string,
  { certificate }: { readonly certificate?: Certificate | undefined } = {},
): Promise<FaultyProxy> {
  const requests: ProxiedRequest[] = [];
  let decide: (request: ProxiedRequest, count: number) => ProxyFault = () => 'none';
  let count = 0;
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    const { method = '', url: path = '', headers } = request;
    const proxied = { method, path, headers };
    requests.push(proxied);
    count += 1;
    // The client may be gone: that is what is tested.
    void serve(origin, { request, response }, decide(proxied, count)).catch(() =>
      response.destroy(),
    );
  };
  const server = certificate ? createTlsServer(certificate, listener) : createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `${certificate ? 'https' : 'http'}://127.0.0.1:${port}`,
    requests,
    breakBy(next) {
      decide = next;
      count = 0;
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function serve(
  origin: string,
  { request, response }: { request: IncomingMessage; response: ServerResponse },
  fault: ProxyFault,
): Promise<void> {
  if (fault === 'reset') {
    request.socket.destroy();
    return;
  }
  const body = await collect(request);
  if (fault === 'silent') return;
  if (typeof fault === 'object') {
    response.writeHead(fault.status, { 'content-type': 'application/xml' });
    response.end('<Error><Code>Broken</Code><Message>broken by a test</Message></Error>');
    return;
  }
  const { method, url, headers } = request;
  const forwarded = httpRequest(`${origin}${url}`, { method, headers, agent: false });
  forwarded.end(body);
  const [answer] = (await once(forwarded, 'response')) as [IncomingMessage];
  const answered = await collect(answer);
  if (fault === 'answer lost') {
    // A request that was read to its end does not close its connection when it is destroyed.
    request.socket.destroy();
    return;
  }
  response.writeHead(answer.statusCode ?? 500, answer.headers);
  if (fault === 'answer stops') {
    response.write(answered.subarray(0, answered.byteLength / 2));
    response.flushHeaders();
    return;
  }
  response.end(answered);
}
