import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { collect } from '@oci/testing';

/** As much of S3 as a push and a pull need: it takes any signature, and notes the session tokens, in their order. */
export interface TokenBucket {
  readonly endpoint: string;
  readonly tokens: readonly (string | undefined)[];
  close(): Promise<void>;
}

/** versitygw knows no session tokens. */
export async function startTokenBucket(): Promise<TokenBucket> {
  const objects = new Map<string, Uint8Array>();
  const tokens: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    const token = request.headers['x-amz-security-token'];
    if (tokens.at(-1) !== token || tokens.length === 0) tokens.push(token?.toString());
    void answer(objects, request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    tokens,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function answer(
  objects: Map<string, Uint8Array>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await collect(request);
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://bucket.invalid');
  if (searchParams.has('list-type')) {
    response.writeHead(200, { 'content-type': 'application/xml' });
    response.end('<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>');
    return;
  }
  const known = objects.get(pathname);
  if (request.method === 'PUT') {
    if (known && request.headers['if-none-match'] === '*') {
      response.writeHead(412).end();
      return;
    }
    objects.set(pathname, body);
    response.writeHead(200, { etag: etagOf(body) }).end();
  } else if (request.method === 'DELETE') {
    objects.delete(pathname);
    response.writeHead(204).end();
  } else if (known) {
    response.writeHead(200, { etag: etagOf(known), 'content-length': known.byteLength });
    response.end(request.method === 'GET' ? known : undefined);
  } else {
    response.writeHead(404).end();
  }
}

function etagOf(bytes: Uint8Array): string {
  return `"${createHash('sha256').update(bytes).digest('hex')}"`;
}
