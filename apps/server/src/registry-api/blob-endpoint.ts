import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import type { Digest, RepositoryName } from '@oci/spec-types';
import { verified } from '@oci/spec-types/node';

import { ApiError } from './api-error.js';
import { type ApiRequest, answer } from './api-request.js';
import { parseRange } from './byte-range.js';

interface BlobRoute {
  readonly name: RepositoryName;
  readonly digest: Digest;
}

/** end-2, end-10: pull and delete a blob. */
export async function serveBlob(api: ApiRequest, route: BlobRoute): Promise<void> {
  const { blobs } = api.registry;
  const { name, digest } = route;
  if (api.request.method === 'DELETE') {
    if (!(await blobs.unlink(name, digest))) throw unknown(route);
    return answer(api, 202);
  }
  const size = await blobs.size(name, digest);
  if (size === undefined) throw unknown(route);
  const headers = {
    'content-type': 'application/octet-stream',
    'docker-content-digest': digest,
    'accept-ranges': 'bytes',
    'cache-control': 'public, max-age=31536000, immutable',
    etag: `"${digest}"`,
  };
  if (api.request.method === 'HEAD')
    return answer(api, 200, { ...headers, 'content-length': size });
  const range = parseRange(api.request.headers.range, size);
  if (range === 'unsatisfiable') {
    throw new ApiError(416, 'SIZE_INVALID', 'the blob has no such bytes', {
      'content-range': `bytes */${size}`,
    });
  }
  const blob = await blobs.open(name, digest, { range, signal: api.signal });
  if (!blob) throw unknown(route);
  if (range) {
    const { first, last } = range;
    const partial = {
      'content-range': `bytes ${first}-${last}/${size}`,
      'content-length': last - first + 1,
    };
    return send(api, { status: 206, headers: { ...headers, ...partial }, body: blob.body });
  }
  // Damage on the disk breaks the answer before its last byte, so that nobody takes it for whole.
  const body = verified(blob.body, { digest, size });
  return send(api, { status: 200, headers: { ...headers, 'content-length': size }, body });
}

async function send(
  api: ApiRequest,
  content: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string | number>>;
    readonly body: AsyncIterable<Uint8Array>;
  },
): Promise<void> {
  api.response.writeHead(content.status, content.headers);
  await pipeline(Readable.from(counted(api, content.body), { objectMode: false }), api.response);
}

async function* counted(
  { transfer }: ApiRequest,
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of body) {
    transfer.bytes += chunk.byteLength;
    yield chunk;
  }
}

function unknown({ name, digest }: BlobRoute): ApiError {
  return new ApiError(404, 'BLOB_UNKNOWN', `${name} has no blob ${digest}`);
}
