import type { ServerResponse } from 'node:http';

import type { Digest, RepositoryName } from '@oci/spec-types';

import type { ServedContent } from '../hosted/content.js';
import { ApiError } from './api-error.js';
import { type ApiRequest, answer, answerNotModified } from './api-request.js';
import { parseRange } from './byte-range.js';
import { cachePolicy } from './cache-policy.js';
import { etagOf, isNotModified, isRangeWanted, refuseStale } from './precondition.js';

interface BlobRoute {
  readonly name: RepositoryName;
  readonly digest: Digest;
}

/** Bytes of a blob that is hashed, once, before a HEAD says that it is there; of larger ones the size is all. */
const maxHashedForHead = 64 * 1024 * 1024;

/** end-2, end-10: pull and delete a blob. */
export async function serveBlob(api: ApiRequest, route: BlobRoute): Promise<void> {
  const { blobs } = api.registry;
  const { name, digest } = route;
  if (api.request.method === 'DELETE') return deleteBlob(api, route);
  const found = await blobs.find(name, digest);
  if (!found) throw unknown(route);
  const { size } = found;
  const headers = {
    'content-type': 'application/octet-stream',
    'docker-content-digest': digest,
    'accept-ranges': 'bytes',
    etag: etagOf(digest),
    ...cachePolicy(api, name, 'digest'),
  };
  if (isNotModified(api.request.headers, headers.etag)) return answerNotModified(api, headers);
  if (api.request.method === 'HEAD') {
    // Whoever hears that it is there does not push it again, which would repair it.
    if (size <= maxHashedForHead && !(await blobs.isIntact(found, { signal: api.signal })))
      throw unknown(route);
    return answer(api, 200, { ...headers, 'content-length': size });
  }
  const range = rangeOf(api, headers.etag, size);
  const content = await blobs.serve(found, { range, signal: api.signal });
  if (!content) throw unknown(route);
  if (range) {
    const { first, last } = range;
    const partial = {
      'content-range': `bytes ${first}-${last}/${size}`,
      'content-length': last - first + 1,
    };
    return send(api, { status: 206, headers: { ...headers, ...partial }, content });
  }
  return send(api, { status: 200, headers: { ...headers, 'content-length': size }, content });
}

async function deleteBlob(api: ApiRequest, route: BlobRoute): Promise<void> {
  const { blobs } = api.registry;
  const { name, digest } = route;
  if (!(await blobs.find(name, digest))) throw unknown(route);
  refuseStale(api.request.headers, etagOf(digest));
  if (!(await blobs.unlink(name, digest))) throw unknown(route);
  return answer(api, 202);
}

/** @throws ApiError 416 */
function rangeOf(
  { request: { headers } }: ApiRequest,
  etag: string,
  size: number,
): Exclude<ReturnType<typeof parseRange>, 'unsatisfiable'> {
  const range = isRangeWanted(headers, etag) ? parseRange(headers.range, size) : undefined;
  if (range !== 'unsatisfiable') return range;
  throw new ApiError(416, 'SIZE_INVALID', 'the blob has no such bytes', {
    'content-range': `bytes */${size}`,
  });
}

async function send(
  api: ApiRequest,
  answered: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string | number>>;
    readonly content: ServedContent;
  },
): Promise<void> {
  const { response, transfer } = api;
  const { content } = answered;
  response.writeHead(answered.status, answered.headers);
  if ('bytes' in content) {
    transfer.bytes += content.bytes.byteLength;
    response.end(content.bytes);
    return;
  }
  try {
    for await (const chunk of content.body) {
      transfer.bytes += chunk.byteLength;
      if (!response.write(chunk)) await drained(response);
    }
  } catch (error) {
    // Bytes are missing: an answer that ended would be taken for whole where its length is not looked at.
    response.destroy();
    throw error;
  }
  response.end();
}

/** Until the client took what was written. @throws when it has gone */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve, reject) => {
    if (response.destroyed) return reject(clientGone());
    const end = (): void => {
      response.off('drain', end).off('close', end);
      if (response.destroyed) reject(clientGone());
      else resolve();
    };
    response.on('drain', end).on('close', end);
  });
}

function clientGone(): Error {
  return new Error('the client has gone');
}

function unknown({ name, digest }: BlobRoute): ApiError {
  return new ApiError(404, 'BLOB_UNKNOWN', `${name} has no blob ${digest}`);
}
