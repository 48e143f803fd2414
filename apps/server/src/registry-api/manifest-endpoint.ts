import {
  type RepositoryName,
  type Tag,
  isManifestMediaType,
  isTag,
  maxManifestSize,
  parseContentType,
} from '@oci/spec-types';
import { type ManifestReference, registryPaths } from '@oci/spec-types/registry-api';
import { describeManifest, readBytes, verifyManifest } from '@oci/spec-types/node';

import type { Origin } from '../events/journal.js';
import type { StateCheck } from '../hosted/manifest-record.js';
import { manifestPace, readBody } from '../http/request-body.js';
import { contextOf } from '../http/request-context.js';
import { ApiError } from './api-error.js';
import { type ApiRequest, answer, answerNotModified } from './api-request.js';
import { cachePolicy } from './cache-policy.js';
import { etagOf, isNotModified, refuseStale } from './precondition.js';

interface ManifestRoute {
  readonly name: RepositoryName;
  readonly reference: ManifestReference;
}

/** end-3, end-7, end-9: pull, push and delete a manifest. */
export async function serveManifest(api: ApiRequest, route: ManifestRoute): Promise<void> {
  switch (api.request.method) {
    case 'PUT':
      return put(api, route);
    case 'DELETE':
      return remove(api, route);
    default:
      return get(api, route);
  }
}

async function get(api: ApiRequest, { name, reference }: ManifestRoute): Promise<void> {
  const { manifests } = api.registry;
  const found = await manifests.find(name, reference);
  if (!found) throw await unknown(api, name);
  const { descriptor } = found;
  const headers = {
    'content-type': descriptor.mediaType,
    'content-length': descriptor.size,
    'docker-content-digest': descriptor.digest,
    etag: etagOf(descriptor.digest),
    ...cachePolicy(api, name, 'tag' in reference ? 'tag' : 'digest'),
  };
  if (isNotModified(api.request.headers, headers.etag)) return answerNotModified(api, headers);
  const bytes = await manifests.readBytes(found);
  if (api.request.method === 'HEAD') return answer(api, 200, headers);
  api.transfer.bytes = bytes.byteLength;
  answer(api, 200, headers, bytes);
}

async function put(api: ApiRequest, { name, reference }: ManifestRoute): Promise<void> {
  const bytes = await readManifest(api);
  const servedAs = parseContentType(api.request.headers['content-type'] ?? '');
  if (!isManifestMediaType(servedAs))
    throw new ApiError(400, 'MANIFEST_INVALID', `${servedAs} is no manifest`);
  const manifest =
    'digest' in reference
      ? verifyManifest(bytes, {
          mediaType: servedAs,
          digest: reference.digest,
          size: bytes.byteLength,
        })
      : describeManifest(bytes, servedAs);
  const tags = 'tag' in reference ? [reference.tag] : tagsOf(api);
  await api.registry.manifests
    .put(name, manifest, {
      tags,
      check: { reference, state: stateCheck(api) },
      isSparse: api.isSparseAllowed,
      by: originOf(api),
    })
    .catch((error: { code?: string; message: string }) => {
      if (error.code !== 'BLOB_UNKNOWN') throw error;
      throw new ApiError(404, 'MANIFEST_BLOB_UNKNOWN', error.message);
    });
  const { digest } = manifest.descriptor;
  const { subject } = manifest.document;
  if (tags.length > 0 && 'digest' in reference) api.response.setHeader('oci-tag', tags);
  answer(api, 201, {
    location: registryPaths.manifest(name, digest),
    'docker-content-digest': digest,
    ...(subject && { 'oci-subject': subject.digest }),
  });
}

async function remove(api: ApiRequest, { name, reference }: ManifestRoute): Promise<void> {
  const { manifests } = api.registry;
  const deletion = { check: stateCheck(api), by: originOf(api) };
  const removed =
    'digest' in reference
      ? await manifests.delete(name, reference.digest, deletion)
      : await manifests.deleteTag(name, reference.tag, deletion);
  if (!removed) throw await unknown(api, name);
  answer(api, 202);
}

function originOf({ request }: ApiRequest): Origin {
  const { who, id: requestId } = contextOf(request);
  return { who, requestId };
}

/** Holds only for the version of the record that is changed: another push may be between a look and a change. */
function stateCheck({ request }: ApiRequest): StateCheck {
  return (current) => refuseStale(request.headers, current && etagOf(current));
}

/** end-7b: `?tag=` beside a digest, several times. */
function tagsOf({ query }: ApiRequest): readonly Tag[] {
  const tags = query.getAll('tag');
  const valid = tags.filter(isTag);
  if (valid.length !== tags.length)
    throw new ApiError(400, 'MANIFEST_INVALID', 'a tag of the query is malformed');
  if (valid.length > 100) throw new ApiError(414, 'MANIFEST_INVALID', 'more than 100 tags at once');
  return valid;
}

async function readManifest({ request, transfer }: ApiRequest): Promise<Buffer> {
  const bytes = await readBytes(readBody(request, manifestPace), {
    limit: maxManifestSize,
    what: 'the manifest',
  });
  transfer.bytes = bytes.byteLength;
  return bytes;
}

async function unknown(api: ApiRequest, name: RepositoryName): Promise<ApiError> {
  return (await api.registry.hasRepository(name))
    ? new ApiError(404, 'MANIFEST_UNKNOWN', `${name} has no such manifest`)
    : new ApiError(404, 'NAME_UNKNOWN', `there is no repository ${name}`);
}
