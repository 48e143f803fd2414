import {
  type CallOptions,
  type Descriptor,
  type Digest,
  OciError,
  type ResolvedManifest,
  type Tag,
  isDigest,
  manifestMediaTypes,
  parseContentType,
  parseManifest,
  registryPaths,
} from '@oci/spec-types';
import { describeManifest, verifyBytes, verifyManifest } from '@oci/spec-types/node';

import { type RegistryResponse, header } from '../transport/exchange.js';
import { type Endpoint, call } from './endpoint.js';
import { fetchWhole } from './whole-answer.js';

const accept = manifestMediaTypes.join(', ');

/**
 * Gets a manifest by its descriptor: the bytes have to match before they are read. Of a descriptor that is
 * the registry's own word only the digest counts.
 */
export async function fetchManifest(
  endpoint: Endpoint,
  descriptor: Descriptor,
  options: CallOptions,
): Promise<ResolvedManifest> {
  const { bytes, servedAs } = await getManifest(endpoint, descriptor.digest, options);
  if (endpoint.hints.has(descriptor)) {
    const content = { digest: descriptor.digest, size: bytes.byteLength };
    const { mediaType } = parseManifest(verifyBytes(bytes, content), servedAs);
    return verifyManifest(bytes, { ...descriptor, ...content, mediaType });
  }
  // The type that was expected decides only where the server did not say what it sent.
  return verifyManifest(bytes, { ...descriptor, mediaType: servedAs ?? descriptor.mediaType });
}

/** Gets what a tag points to now, in one request; its digest is the one that we compute. */
export async function fetchTag(
  endpoint: Endpoint,
  tag: Tag,
  options: CallOptions,
): Promise<ResolvedManifest> {
  const { bytes, servedAs, response } = await getManifest(endpoint, tag, options);
  const manifest = describeManifest(bytes, servedAs);
  const claimed = header(response, 'docker-content-digest');
  if (
    claimed !== undefined &&
    claimed.startsWith('sha256:') &&
    claimed !== manifest.descriptor.digest
  ) {
    throw new OciError(
      'DIGEST_MISMATCH',
      `${endpoint.name}:${tag} is said to be ${claimed.slice(0, 200)}, but is ${manifest.descriptor.digest}`,
      { hint: 'The registry or something on the way altered it. Nothing was kept.' },
    );
  }
  return manifest;
}

async function getManifest(
  endpoint: Endpoint,
  tagOrDigest: Tag | Digest,
  options: CallOptions,
): Promise<{ bytes: Uint8Array; servedAs: string | undefined; response: RegistryResponse }> {
  const target = registryPaths.manifest(endpoint.name, tagOrDigest);
  const ask = {
    ...options,
    method: 'GET',
    target,
    headers: { accept },
    subject: { name: nameOf(endpoint, tagOrDigest), missing: 'MANIFEST_UNKNOWN' },
    expected: [200],
  } as const;
  const { response, bytes } = await fetchWhole(endpoint, ask, endpoint.limits.manifestBytes);
  return { bytes, servedAs: contentType(response), response };
}

/** Turns a tag or a digest into a descriptor: by HEAD, or by GET where HEAD doesn't tell enough. */
export async function resolve(
  endpoint: Endpoint,
  tagOrDigest: Tag | Digest,
  options: CallOptions,
): Promise<Descriptor> {
  const found = await resolveByHead(endpoint, tagOrDigest, options);
  if (found) return found;
  if (!isDigest(tagOrDigest)) return (await fetchTag(endpoint, tagOrDigest, options)).descriptor;
  const { bytes, servedAs } = await getManifest(endpoint, tagOrDigest, options);
  const mediaType = describeManifest(bytes, servedAs).mediaType;
  return verifyManifest(bytes, { mediaType, digest: tagOrDigest, size: bytes.byteLength })
    .descriptor;
}

async function resolveByHead(
  endpoint: Endpoint,
  tagOrDigest: Tag | Digest,
  options: CallOptions,
): Promise<Descriptor | undefined> {
  const response = await call(endpoint, {
    ...options,
    method: 'HEAD',
    target: registryPaths.manifest(endpoint.name, tagOrDigest),
    headers: { accept },
    subject: { name: nameOf(endpoint, tagOrDigest), missing: 'MANIFEST_UNKNOWN' },
    expected: [200, 400, 405, 406, 501],
  });
  await response.body.dump();
  const mediaType = contentType(response);
  const digest = header(response, 'docker-content-digest');
  const length = header(response, 'content-length');
  if (
    response.status !== 200 ||
    !mediaType ||
    !digest ||
    !isDigest(digest) ||
    !/^[1-9]\d{0,14}$/.test(length ?? '')
  ) {
    return undefined;
  }
  if (isDigest(tagOrDigest) && digest !== tagOrDigest) {
    throw new OciError(
      'DIGEST_MISMATCH',
      `asked for ${tagOrDigest}, the registry answers for ${digest}`,
    );
  }
  const descriptor = { mediaType, digest, size: Number(length) };
  endpoint.hints.add(descriptor);
  return descriptor;
}

function contentType(response: RegistryResponse): string | undefined {
  const value = header(response, 'content-type');
  return value === undefined ? undefined : parseContentType(value);
}

function nameOf(endpoint: Endpoint, tagOrDigest: Tag | Digest): string {
  return `${endpoint.name}${isDigest(tagOrDigest) ? '@' : ':'}${tagOrDigest}`;
}
