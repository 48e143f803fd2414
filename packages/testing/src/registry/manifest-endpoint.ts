import {
  type Digest,
  type RepositoryName,
  type Tag,
  digestAlgorithm,
  isTag,
} from '@oci/spec-types';
import { type ManifestReference, registryPaths } from '@oci/spec-types/registry-api';
import { digestOf } from '@oci/spec-types/node';

import type { RepositoryContent, StoredManifest } from './content.js';
import type { EndpointContext, Methods } from './endpoint.js';
import { manifestProblem } from './manifest-problem.js';
import { readManifest } from './manifest-json.js';
import { type Reply, errorReply, reply } from './reply.js';

interface ManifestRoute {
  readonly name: RepositoryName;
  readonly reference: ManifestReference;
}

export function manifestMethods(context: EndpointContext, route: ManifestRoute): Methods {
  return {
    GET: () => getManifest(context, route),
    PUT: () => putManifest(context, route),
    DELETE: () => deleteManifest(context, route),
  };
}

function getManifest(
  { content, request }: EndpointContext,
  { name, reference }: ManifestRoute,
): Reply {
  const found = lookUp(content.find(name), reference);
  if (!found) return errorReply(404, 'MANIFEST_UNKNOWN', { detail: { name, ...reference } });
  const etag = `"${found.digest}"`;
  const headers = {
    'content-type': found.manifest.mediaType,
    'docker-content-digest': found.digest,
    etag,
  };
  if (request.headers['if-none-match'] === etag) return reply(304, headers);
  return reply(200, headers, found.manifest.bytes);
}

function lookUp(
  repository: RepositoryContent | undefined,
  reference: ManifestReference,
): { readonly digest: Digest; readonly manifest: StoredManifest } | undefined {
  const digest = 'tag' in reference ? repository?.tags.get(reference.tag) : reference.digest;
  const manifest = digest && repository?.manifests.get(digest);
  return digest && manifest ? { digest, manifest } : undefined;
}

function putManifest(context: EndpointContext, { name, reference }: ManifestRoute): Reply {
  const { request, content, behaviour } = context;
  if (!request.complete) return errorReply(400, 'MANIFEST_INVALID');
  if (request.body.byteLength > behaviour.maxManifestBytes) return errorReply(413, 'SIZE_INVALID');
  if (isTooLate(lookUp(content.find(name), reference)?.digest, request)) return reply(412);
  const digest = digestFor(request.body, reference);
  if (digest === undefined) return errorReply(400, 'DIGEST_INVALID');
  const mediaType = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim() ?? '';
  const problem = behaviour.checksManifests
    ? manifestProblem(request.body, { mediaType, repository: content.find(name) })
    : undefined;
  if (problem) return problem;
  const extraTags = request.url.searchParams.getAll('tag').filter((tag) => isTag(tag));
  const tags: readonly Tag[] = 'tag' in reference ? [reference.tag] : extraTags;
  const repository = content.open(name);
  repository.manifests.set(digest, { bytes: request.body, mediaType });
  for (const tag of tags) repository.tags.set(tag, digest);
  const subject =
    behaviour.referrers === false ? undefined : readManifest(request.body)?.subject?.digest;
  return reply(201, {
    location: registryPaths.manifest(name, digest),
    'docker-content-digest': digest,
    ...(subject !== undefined && { 'oci-subject': subject }),
    ...('digest' in reference && tags.length > 0 && { 'oci-tag': tags }),
  });
}

/** Whether a condition on what is there does not hold (RFC 9110, section 13.1). */
function isTooLate(there: Digest | undefined, { headers }: EndpointContext['request']): boolean {
  const match = headers['if-match'];
  if (match !== undefined && match !== `"${there}"`) return true;
  return headers['if-none-match'] === '*' && there !== undefined;
}

/** The digest to store bytes under; undefined when they are not those of the digest in the path. */
function digestFor(bytes: Uint8Array, reference: ManifestReference): Digest | undefined {
  if ('tag' in reference) return digestOf(bytes);
  const algorithm = digestAlgorithm(reference.digest);
  if (algorithm !== 'sha256' && algorithm !== 'sha512') return undefined;
  return digestOf(bytes, algorithm) === reference.digest ? reference.digest : undefined;
}

function deleteManifest(
  { content, behaviour }: EndpointContext,
  { name, reference }: ManifestRoute,
): Reply {
  if (!behaviour.deletes) return errorReply(405, 'UNSUPPORTED');
  const repository = content.find(name);
  const found = lookUp(repository, reference);
  if (!repository || !found)
    return errorReply(404, 'MANIFEST_UNKNOWN', { detail: { name, ...reference } });
  if ('tag' in reference) {
    repository.tags.delete(reference.tag);
    return reply(202);
  }
  repository.manifests.delete(found.digest);
  for (const [tag, digest] of repository.tags) {
    if (digest === found.digest) repository.tags.delete(tag);
  }
  return reply(202);
}
