import {
  type Digest,
  type RepositoryName,
  isDigest,
  isOciError,
  verifiableAlgorithm,
} from '@oci/spec-types';
import { registryPaths } from '@oci/spec-types/registry-api';

import type { OpenUpload } from '../hosted/open-upload.js';
import { QuotaExceeded } from '../hosted/quota/quota-failure.js';
import { callerKey } from '../http/rate-limit.js';
import { readBody, uploadPace } from '../http/request-body.js';
import { contextOf } from '../http/request-context.js';
import { ApiError } from './api-error.js';
import { type ApiRequest, answer } from './api-request.js';
import { findMountSource } from './mount-source.js';

/** Bytes that are read of a body that has no room. */
const maxDiscarded = 64 * 1024 * 1024;

/** end-4, end-11: begin an upload, push a blob at once, or mount one of another repository. */
export async function serveUploads(api: ApiRequest, name: RepositoryName): Promise<void> {
  const { blobs, uploads } = api.registry;
  refuseAlgorithm(api);
  const mount = digestOf(api, 'mount');
  const from = mount && (await findMountSource(api, mount));
  if (mount && from && (await blobs.mount(name, mount, from))) return created(api, name, mount);
  const digest = mount ? undefined : digestOf(api, 'digest');
  const owner = ownerOf(api);
  if (!digest) return accepted(api, { name, session: await uploads.begin(name, owner) }, 0);
  verifiableAlgorithm(digest);
  const upload = { digest, body: wholeBody(api, 0), length: lengthOf(api) };
  const put = (): Promise<void> => uploads.put({ name, owner }, upload, { signal: api.signal });
  await readingRefused(api, put);
  created(api, name, digest);
}

/** Whose sessions are counted together. */
function ownerOf({ request }: ApiRequest): string {
  const { who, client } = contextOf(request);
  return callerKey(who, client);
}

interface UploadRoute {
  readonly name: RepositoryName;
  readonly session: string;
}

/** A route whose session no other request holds. */
interface HeldRoute extends UploadRoute {
  readonly upload: OpenUpload;
}

/** end-5, end-6, end-13, end-14: add to an upload, end it, ask for it, cancel it. */
export async function serveUpload(api: ApiRequest, route: UploadRoute): Promise<void> {
  return hold(api, route, async (upload) => {
    switch (api.request.method) {
      case 'GET':
        return answer(api, 204, progress(route, upload.offset));
      case 'DELETE':
        await upload.cancel();
        return answer(api, 204);
      case 'PATCH':
        await append(api, { ...route, upload });
        return accepted(api, route, upload.offset);
      default: {
        const digest = digestOf(api, 'digest');
        if (!digest)
          throw new ApiError(400, 'DIGEST_INVALID', 'the upload is ended without a digest');
        return finish(api, { ...route, upload }, digest);
      }
    }
  });
}

/** Requests of one session never interleave: one that has to wait for too long is told so. */
async function hold(
  api: ApiRequest,
  route: UploadRoute,
  work: (upload: OpenUpload) => Promise<void>,
): Promise<void> {
  const held = async (upload: OpenUpload | undefined): Promise<void> => {
    if (upload) return work(upload);
    throw new ApiError(404, 'BLOB_UPLOAD_UNKNOWN', 'there is no such upload');
  };
  await api.registry.uploads.use(route, held).catch(async (error: unknown) => {
    if (!isOciError(error, 'TIMEOUT')) throw error;
    await discardBody(api);
    throw new ApiError(
      409,
      'BLOB_UPLOAD_INVALID',
      'another request of this upload is still running: wait for its end, then ask where to go on',
    );
  });
}

/** Many clients read an answer only when they have sent all: to one that is cut off none arrives. */
async function discardBody(api: ApiRequest, atMost = Infinity): Promise<void> {
  if (api.request.headers.expect !== undefined) return;
  const before = api.transfer.bytes;
  try {
    for await (const chunk of wholeBody(api, 0))
      if (chunk.byteLength > 0 && api.transfer.bytes - before > atMost) return;
  } catch {
    // The answer does not depend on what was sent.
  }
}

async function append(
  api: ApiRequest,
  { upload, ...route }: HeldRoute,
  isLast = false,
): Promise<void> {
  const announced = announcedLength(api, route, upload.offset);
  const length = announced ?? lengthOf(api);
  if (api.request.headers['content-length'] === '0') return;
  const body = chunkBody(api, upload.offset, announced);
  await readingRefused(api, () => upload.append(body, { length, isLast, signal: api.signal }));
}

/** Reads some of what has no room, so that a client that reads its answer last gets to it. */
async function readingRefused(api: ApiRequest, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof QuotaExceeded) await discardBody(api, maxDiscarded);
    throw error;
  }
}

/** Bytes that a body has by its header; undefined where it does not say. */
function lengthOf({ request }: ApiRequest): number | undefined {
  const length = request.headers['content-length'];
  return length === undefined ? undefined : Number(length);
}

async function finish(api: ApiRequest, route: HeldRoute, digest: Digest): Promise<void> {
  verifiableAlgorithm(digest);
  await append(api, route, true);
  // Bytes that are wrong do not become right: the session is over.
  await undone(route.upload, () => route.upload.commit(digest));
  created(api, route.name, digest);
}

/** Cancels an upload with which work fails. */
async function undone(upload: OpenUpload, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    await upload.cancel();
    throw error;
  }
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

/** A chunk whose length differs from what its `Content-Range` says must not leave a piece. */
async function* chunkBody(
  api: ApiRequest,
  offset: number,
  length: number | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of wholeBody(api, offset)) {
    if (length !== undefined && api.transfer.bytes > length) throw wrongLength();
    yield chunk;
  }
  if (length !== undefined && api.transfer.bytes !== length) throw wrongLength();
}

/**
 * Returns the bytes that a chunk has by its `Content-Range: <first>-<last>` (distribution-spec, "Pushing a blob in
 * chunks"); undefined without one.
 *
 * @throws ApiError 400 when it is malformed or of another length, 416 when the chunk is not the next one
 */
function announcedLength(
  { request }: ApiRequest,
  route: UploadRoute,
  offset: number,
): number | undefined {
  const range = request.headers['content-range'];
  if (range === undefined) return undefined;
  const match = /^(?:bytes )?(\d{1,15})-(\d{1,15})(?:\/(?:\d+|\*))?$/.exec(range);
  if (!match) throw new ApiError(400, 'BLOB_UPLOAD_INVALID', 'the Content-Range is malformed');
  if (Number(match[1]) !== offset) throw outOfOrder(route, offset);
  const announced = Number(match[2]) - Number(match[1]) + 1;
  const length = request.headers['content-length'];
  if (length !== undefined && Number(length) !== announced) throw wrongLength();
  return announced;
}

function wrongLength(): ApiError {
  return new ApiError(400, 'SIZE_INVALID', 'Content-Range and the length of the body differ');
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
