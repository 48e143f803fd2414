import type { Digest, RepositoryName } from '@oci/spec-types';

import { parseRange } from './byte-range.js';
import type { EndpointContext, Methods } from './endpoint.js';
import { type Reply, errorReply, reply } from './reply.js';

interface BlobRoute {
  readonly name: RepositoryName;
  readonly digest: Digest;
}

export function blobMethods(context: EndpointContext, route: BlobRoute): Methods {
  return {
    GET: () => getBlob(context, route),
    DELETE: () => deleteBlob(context, route),
  };
}

function getBlob({ content, request }: EndpointContext, { name, digest }: BlobRoute): Reply {
  const blob = content.find(name)?.blobs.get(digest);
  if (!blob) return errorReply(404, 'BLOB_UNKNOWN', { detail: { digest } });
  const headers = {
    'accept-ranges': 'bytes',
    'content-type': 'application/octet-stream',
    'docker-content-digest': digest,
    etag: `"${digest}"`,
  };
  const condition = request.headers['if-range'];
  const asked = condition === undefined || condition === headers.etag;
  const range = asked ? parseRange(request.headers.range, blob.byteLength) : undefined;
  if (range === undefined || request.method === 'HEAD') return reply(200, headers, blob);
  if (range === 'unsatisfiable')
    return reply(416, { 'content-range': `bytes */${blob.byteLength}` });
  const contentRange = `bytes ${range.first}-${range.last}/${blob.byteLength}`;
  return reply(
    206,
    { ...headers, 'content-range': contentRange },
    blob.subarray(range.first, range.last + 1),
  );
}

function deleteBlob({ content, behaviour }: EndpointContext, { name, digest }: BlobRoute): Reply {
  if (!behaviour.deletes) return errorReply(405, 'UNSUPPORTED');
  if (!content.find(name)?.blobs.delete(digest))
    return errorReply(404, 'BLOB_UNKNOWN', { detail: { digest } });
  return reply(202);
}
