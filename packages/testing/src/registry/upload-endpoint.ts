import { randomUUID } from 'node:crypto';

import { type Digest, type RepositoryName, isDigest, isRepositoryName } from '@oci/spec-types';
import { registryPaths } from '@oci/spec-types/registry-api';
import { digestOf } from '@oci/spec-types/node';

import type { Upload } from './content.js';
import type { EndpointContext, Methods } from './endpoint.js';
import { type Reply, errorReply, reply } from './reply.js';

/** Where uploads begin. */
export function uploadsMethods(context: EndpointContext, name: RepositoryName): Methods {
  return { POST: () => beginUpload(context, name) };
}

/** An upload that has begun. */
export function uploadMethods(
  context: EndpointContext,
  route: { readonly name: RepositoryName; readonly session: string },
): Methods | Reply {
  const upload = context.content.uploads.get(route.session);
  if (upload?.name !== route.name) return errorReply(404, 'BLOB_UPLOAD_UNKNOWN');
  return {
    GET: () => progressReply(context, upload, 204),
    PATCH: () => appendChunk(context, upload),
    PUT: () => finishUpload(context, upload),
    DELETE: () => {
      context.content.uploads.delete(upload.id);
      return reply(204);
    },
  };
}

function beginUpload(context: EndpointContext, name: RepositoryName): Reply {
  const { content, behaviour, request } = context;
  const query = request.url.searchParams;
  const mount = query.get('mount');
  if (mount !== null && behaviour.mounts && mountBlob(context, name, mount)) {
    return storedReply(context, name, mount as Digest);
  }
  const upload = content.beginUpload(name);
  if (query.has('digest') && behaviour.singlePost) {
    upload.bytes = request.body;
    return storeBlob(context, upload);
  }
  return progressReply(context, upload, 202);
}

/** Without `from`, the blob may be of any repository. */
function mountBlob(
  { content, request }: EndpointContext,
  name: RepositoryName,
  digest: string,
): boolean {
  if (!isDigest(digest)) return false;
  const from = request.url.searchParams.get('from');
  const sources = [...content.repositories].filter(([source]) => from === null || source === from);
  const blob = sources
    .map(([, { blobs }]) => blobs.get(digest))
    .find((bytes) => bytes !== undefined);
  if (!blob || (from !== null && !isRepositoryName(from))) return false;
  content.open(name).blobs.set(digest, blob);
  return true;
}

function appendChunk(context: EndpointContext, upload: Upload): Reply {
  const refused = refuseChunk(context, upload);
  if (refused) return refused;
  upload.bytes = new Uint8Array(Buffer.concat([upload.bytes, context.request.body]));
  return progressReply(context, upload, 202);
}

function finishUpload(context: EndpointContext, upload: Upload): Reply {
  const refused = refuseChunk(context, upload);
  if (refused) return refused;
  upload.bytes = new Uint8Array(Buffer.concat([upload.bytes, context.request.body]));
  return context.request.complete
    ? storeBlob(context, upload)
    : progressReply(context, upload, 202);
}

/** Chunks come in order, to the location that was given last. */
function refuseChunk(context: EndpointContext, upload: Upload): Reply | undefined {
  const { request } = context;
  if (request.url.searchParams.get('_state') !== upload.state)
    return errorReply(400, 'BLOB_UPLOAD_INVALID');
  const header = request.headers['content-range'];
  if (header === undefined) return undefined;
  const match = /^(\d+)-(\d+)$/.exec(header);
  if (!match) return errorReply(400, 'BLOB_UPLOAD_INVALID');
  if (Number(match[1]) !== upload.bytes.byteLength) return progressReply(context, upload, 416);
  const length = Number(match[2]) - Number(match[1]) + 1;
  return request.complete && length !== request.body.byteLength
    ? errorReply(400, 'SIZE_INVALID')
    : undefined;
}

/** The session ends here, whether the bytes are those of the digest or not. */
function storeBlob(context: EndpointContext, upload: Upload): Reply {
  const { content, request } = context;
  content.uploads.delete(upload.id);
  const digest = request.url.searchParams.get('digest') ?? '';
  if (!isDigest(digest)) return errorReply(400, 'DIGEST_INVALID');
  const [algorithm] = digest.split(':');
  if (algorithm !== 'sha256' && algorithm !== 'sha512') return errorReply(400, 'DIGEST_INVALID');
  if (digestOf(upload.bytes, algorithm) !== digest)
    return errorReply(400, 'DIGEST_INVALID', { detail: { digest } });
  content.open(upload.name).blobs.set(digest, upload.bytes);
  return storedReply(context, upload.name, digest);
}

function storedReply(context: EndpointContext, name: RepositoryName, digest: Digest): Reply {
  return reply(201, {
    location: locationOf(context, registryPaths.blob(name, digest)),
    'docker-content-digest': digest,
  });
}

function progressReply(context: EndpointContext, upload: Upload, status: number): Reply {
  upload.state = randomUUID();
  const { minChunkBytes } = context.behaviour;
  const path = `${registryPaths.upload(upload.name, upload.id)}?_state=${upload.state}`;
  return reply(status, {
    location: locationOf(context, path),
    range: `0-${Math.max(0, upload.bytes.byteLength - 1)}`,
    'docker-upload-uuid': upload.id,
    ...(minChunkBytes > 0 && { 'oci-chunk-min-length': String(minChunkBytes) }),
  });
}

function locationOf({ behaviour, request }: EndpointContext, path: string): string {
  return behaviour.locations === 'absolute' ? new URL(path, request.url).href : path;
}
