import {
  type CallOptions,
  type Digest,
  type RepositoryName,
  isDigest,
  registryPaths,
  verifiableAlgorithm,
} from '@oci/spec-types';

import { readBody, uploadPace } from '../http/request-body.js';
import { ApiError } from './api-error.js';
import { type ApiRequest, answer } from './api-request.js';
import { findMountSource } from './mount-source.js';

/** end-4, end-11: begin an upload, push a blob at once, or mount one of another repository. */
export async function serveUploads(api: ApiRequest, name: RepositoryName): Promise<void> {
  const { blobs, uploads } = api.registry;
  refuseAlgorithm(api);
  const mount = digestOf(api, 'mount');
  if (mount && (await findMountSource(api, mount))) {
    await blobs.link(name, mount);
    return created(api, name, mount);
  }
  const digest = mount ? undefined : digestOf(api, 'digest');
  const session = await uploads.begin(name);
  if (!digest) return accepted(api, { name, session }, 0);
  try {
    await finish(api, { name, session }, { digest, offset: 0 });
  } catch (error) {
    // Nobody knows the session that could go on with it.
    await uploads.cancel(session);
    throw error;
  }
}

interface UploadRoute {
  readonly name: RepositoryName;
  readonly session: string;
}

/** end-5, end-6, end-13, end-14: add to an upload, end it, ask for it, cancel it. */
export async function serveUpload(api: ApiRequest, route: UploadRoute): Promise<void> {
  const { uploads } = api.registry;
  const offset = await uploads.offset(route.name, route.session);
  if (offset === undefined)
    throw new ApiError(404, 'BLOB_UPLOAD_UNKNOWN', 'there is no such upload');
  switch (api.request.method) {
    case 'GET':
      return answer(api, 204, progress(route, offset));
    case 'DELETE':
      await uploads.cancel(route.session);
      return answer(api, 204);
    case 'PATCH':
      return accepted(api, route, await append(api, route, offset));
    default: {
      const digest = digestOf(api, 'digest');
      if (!digest)
        throw new ApiError(400, 'DIGEST_INVALID', 'the upload is ended without a digest');
      return finish(api, route, { digest, offset });
    }
  }
}

async function append(api: ApiRequest, route: UploadRoute, offset: number): Promise<number> {
  refuseWrongPlace(api, route, offset);
  const options: CallOptions = { signal: api.signal };
  const after = await api.registry.uploads.append(
    route.session,
    offset,
    wholeBody(api, offset),
    options,
  );
  if (after === undefined) throw outOfOrder(route, offset);
  return after;
}

async function finish(
  api: ApiRequest,
  route: UploadRoute,
  { digest, offset }: { digest: Digest; offset: number },
): Promise<void> {
  const { uploads } = api.registry;
  verifiableAlgorithm(digest);
  await append(api, route, offset);
  try {
    await uploads.commit(route.name, route.session, digest);
  } catch (error) {
    // Bytes that are wrong do not become right: the session is over.
    await uploads.cancel(route.session);
    throw error;
  }
  created(api, route.name, digest);
}

/** A request that breaks off must not leave a piece, so its body fails then instead of ending. */
async function* wholeBody(
  { request, transfer }: ApiRequest,
  offset: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of readBody(request, uploadPace)) {
    transfer.bytes += chunk.byteLength;
    if (offset + transfer.bytes > transfer.atMost)
      throw new ApiError(413, 'SIZE_INVALID', `a blob has at most ${transfer.atMost} bytes here`);
    yield chunk;
  }
  if (!request.complete) throw new ApiError(400, 'BLOB_UPLOAD_INVALID', 'the request broke off');
}

/** `Content-Range: <first>-<last>` of a chunk (distribution-spec, "Pushing a blob in chunks"). */
function refuseWrongPlace({ request }: ApiRequest, route: UploadRoute, offset: number): void {
  const range = request.headers['content-range'];
  if (range === undefined) return;
  const match = /^(?:bytes )?(\d{1,15})-(\d{1,15})(?:\/(?:\d+|\*))?$/.exec(range);
  if (!match) throw new ApiError(400, 'BLOB_UPLOAD_INVALID', 'the Content-Range is malformed');
  if (Number(match[1]) !== offset) throw outOfOrder(route, offset);
  const length = request.headers['content-length'];
  if (length !== undefined && Number(length) !== Number(match[2]) - Number(match[1]) + 1) {
    throw new ApiError(400, 'SIZE_INVALID', 'Content-Range and Content-Length differ');
  }
}

function outOfOrder(route: UploadRoute, offset: number): ApiError {
  return new ApiError(
    416,
    'BLOB_UPLOAD_INVALID',
    `the next byte is ${offset}`,
    progress(route, offset),
  );
}

function accepted(api: ApiRequest, route: UploadRoute, offset: number): void {
  answer(api, 202, { ...progress(route, offset), 'docker-upload-uuid': route.session });
}

function progress({ name, session }: UploadRoute, offset: number): Record<string, string> {
  // The last byte that is here; with none, `0-0` as registries have always said.
  return { location: registryPaths.upload(name, session), range: `0-${Math.max(0, offset - 1)}` };
}

function created(api: ApiRequest, name: RepositoryName, digest: Digest): void {
  answer(api, 201, { location: registryPaths.blob(name, digest), 'docker-content-digest': digest });
}

/** `?digest-algorithm=` announces what a session will be ended with (distribution-spec, end-4a). */
function refuseAlgorithm({ query }: ApiRequest): void {
  const algorithm = query.get('digest-algorithm');
  if (algorithm === null || algorithm === 'sha256' || algorithm === 'sha512') return;
  throw new ApiError(400, 'DIGEST_INVALID', 'the digest-algorithm is none of sha256, sha512');
}

function digestOf({ query }: ApiRequest, parameter: string): Digest | undefined {
  const text = query.get(parameter);
  if (text === null) return undefined;
  if (isDigest(text)) return text;
  throw new ApiError(400, 'DIGEST_INVALID', `the ${parameter} parameter is no digest`);
}
