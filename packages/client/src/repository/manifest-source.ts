import {
  type CallOptions,
  type Descriptor,
  type Digest,
  OciError,
  type ReadingOptions,
  type ResolvedManifest,
  type Tag,
  isDigest,
  manifestMediaTypes,
  parseContentType,
} from '@oci/spec-types';
import { registryPaths } from '@oci/spec-types/registry-api';
import { describeManifest, verifyManifest } from '@oci/spec-types/node';

import { type RegistryResponse, header } from '../transport/exchange.js';
import { type Endpoint, call } from './endpoint.js';
import { fetchWhole } from './whole-answer.js';

const accept = manifestMediaTypes.join(', ');

/** Says nothing about a manifest, which then has to say what it is. */
const unknownType = 'application/octet-stream';

export interface FetchOptions extends CallOptions {
  /** {@link ReadingOptions.lenient}; what was left out is told by `warning` events. Default false. */
  readonly lenient?: boolean | undefined;
}

/**
 * Gets a manifest by its descriptor: the bytes have to match before they are read. Of a descriptor that is
 * the registry's own word only the digest counts.
 */
export async function fetchManifest(
  endpoint: Endpoint,
  descriptor: Descriptor,
  { lenient, ...options }: FetchOptions,
): Promise<ResolvedManifest> {
  const reading = readingOf(endpoint, lenient, options);
  const { bytes, servedAs } = await getManifest(endpoint, descriptor.digest, options);
  if (endpoint.hints.has(descriptor)) {
    const content = { digest: descriptor.digest, size: bytes.byteLength };
    const mediaType = servedAs ?? unknownType;
    return verifyManifest(bytes, { ...descriptor, ...content, mediaType }, reading);
  }
  // The type that was expected decides only where the server did not say what it sent.
  const mediaType = servedAs ?? descriptor.mediaType;
  return verifyManifest(bytes, { ...descriptor, mediaType }, reading);
}

/**
 * Gets a manifest by its digest, or what a tag points to now, in one request. Of a tag the digest is the one
 * that we compute.
 */
export async function fetch(
  endpoint: Endpoint,
  tagOrDigest: Tag | Digest,
  { lenient, ...options }: FetchOptions,
): Promise<ResolvedManifest> {
  const reading = readingOf(endpoint, lenient, options);
  const { bytes, servedAs, response } = await getManifest(endpoint, tagOrDigest, options);
  if (isDigest(tagOrDigest)) {
    const content = { digest: tagOrDigest, size: bytes.byteLength };
    return verifyManifest(bytes, { ...content, mediaType: servedAs ?? unknownType }, reading);
  }
  const manifest = describeManifest(bytes, servedAs, reading);
  const claimed = header(response, 'docker-content-digest');
  if (
    claimed !== undefined &&
    claimed.startsWith('sha256:') &&
    claimed !== manifest.descriptor.digest
  ) {
    throw new OciError(
      'DIGEST_MISMATCH',
      `${endpoint.name}:${tagOrDigest} is said to be ${claimed.slice(0, 200)}, but is ${manifest.descriptor.digest}`,
      { hint: 'The registry or something on the way altered it. Nothing was kept.' },
    );
  }
  return manifest;
}

function readingOf(
  { name }: Endpoint,
  lenient: boolean | undefined,
  { onEvent }: CallOptions,
): ReadingOptions {
  const onIgnored = (reason: string): void =>
    onEvent?.({ type: 'warning', message: `a manifest of ${name} is read without ${reason}` });
  return { lenient, onIgnored };
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
  return (await fetch(endpoint, tagOrDigest, options)).descriptor;
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
