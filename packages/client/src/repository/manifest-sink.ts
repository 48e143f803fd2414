import {
  type CallOptions,
  type Descriptor,
  type Digest,
  OciError,
  type ResolvedManifest,
  type Tag,
  childrenOf,
  digestAlgorithm,
  emptyDescriptor,
  isDigest,
  isOciError,
  parseTag,
  singleChunk,
  withoutProgress,
} from '@oci/spec-types';
import { registryPaths } from '@oci/spec-types/registry-api';
import { digestOf } from '@oci/spec-types/node';

import { type RegistryResponse, header } from '../transport/exchange.js';
import { pushBlob } from './blob-sink.js';
import { type Endpoint, call } from './endpoint.js';
import { addToReferrersTag } from './referrers-tag-list.js';

export interface PushManifestOptions extends CallOptions {
  /** Default: none, it is known by its digest alone. */
  readonly tag?: string | undefined;
  /**
   * False to leave the list of the subject's referrers alone where the registry does not keep one itself;
   * default true.
   */
  readonly referrersTag?: boolean | undefined;
}

/**
 * Stores a manifest under its digest, or under a tag; the bytes go as they are. Of a manifest with a
 * subject the referrers tag is maintained where the registry has no referrers API. What it names has to be pushed
 * before; the empty blob (`{}`) is pushed where the registry misses it.
 *
 * @throws OciError `BLOB_UNKNOWN` for content that the registry does not have, `DIGEST_MISMATCH` when the registry says that it stored something else
 */
export async function pushManifest(
  endpoint: Endpoint,
  manifest: ResolvedManifest,
  { tag: text, referrersTag = true, ...options }: PushManifestOptions,
): Promise<Descriptor> {
  const { descriptor } = manifest;
  const { digest } = descriptor;
  const tag = text === undefined ? undefined : parseTag(text);
  let answer: RegistryResponse;
  if (tag === undefined || digestAlgorithm(digest) === 'sha256') {
    answer = await putWithEmptyBlob(endpoint, { manifest, target: tag ?? digest }, options);
  } else {
    // Under a tag alone a registry would know it by its SHA-256 only (distribution-spec, end-7b).
    answer = await putWithEmptyBlob(endpoint, { manifest, target: digest, tag }, options);
    const tags = [answer.headers['oci-tag'] ?? []]
      .flat()
      .join(',')
      .split(/\s*,\s*/);
    if (!tags.includes(tag)) {
      answer = await putManifest(endpoint, { manifest, target: tag }, options);
    }
  }
  const subject = manifest.document.subject?.digest;
  const isListed = header(answer, 'oci-subject') !== undefined;
  if (subject === undefined || isListed || !referrersTag) return descriptor;
  await addToReferrersTag(endpoint, { subject, manifest }, { ...options, forPush: true });
  return descriptor;
}

interface ManifestPut {
  readonly manifest: ResolvedManifest;
  readonly target: Tag | Digest;
  readonly tag?: Tag;
}

/** Puts a manifest, after the empty blob where the registry misses that one alone. */
async function putWithEmptyBlob(
  endpoint: Endpoint,
  ask: ManifestPut,
  options: CallOptions,
): Promise<RegistryResponse> {
  try {
    return await putManifest(endpoint, ask, options);
  } catch (error) {
    if (!isOciError(error, 'BLOB_UNKNOWN') || !mayMissEmptyBlob(ask.manifest, error)) throw error;
    const { signal, onEvent } = options;
    const content = { descriptor: emptyDescriptor, body: singleChunk(Buffer.from('{}')) };
    await pushBlob(endpoint, content, { signal, onEvent: withoutProgress(onEvent) });
    return putManifest(endpoint, ask, options);
  }
}

/** A registry that says what it misses names all of it, or the first. */
function mayMissEmptyBlob(manifest: ResolvedManifest, { registryErrors }: OciError): boolean {
  const { digest } = emptyDescriptor;
  const said = JSON.stringify(registryErrors);
  const isNamed = childrenOf(manifest).some((child) => child.digest === digest);
  return isNamed && (said.includes(digest) || !said.includes('sha256:'));
}

async function putManifest(
  endpoint: Endpoint,
  ask: ManifestPut,
  options: CallOptions,
): Promise<RegistryResponse> {
  const { manifest, target, tag } = ask;
  const { name } = endpoint;
  const path = registryPaths.manifest(name, target);
  const response = await call(endpoint, {
    ...options,
    method: 'PUT',
    target: tag === undefined ? path : `${path}?tag=${tag}`,
    headers: { 'content-type': manifest.mediaType },
    body: manifest.bytes,
    subject: { name: `${name}${isDigest(target) ? '@' : ':'}${target}`, missing: 'NAME_UNKNOWN' },
    expected: [201],
  });
  await response.body.dump();
  checkStored(manifest, header(response, 'docker-content-digest'));
  return response;
}

/** The registry may name the same bytes by another algorithm. */
function checkStored({ descriptor, bytes }: ResolvedManifest, stored: string | undefined): void {
  if (stored === undefined || stored === descriptor.digest || !isDigest(stored)) return;
  const algorithm = digestAlgorithm(stored);
  if (algorithm !== 'sha256' && algorithm !== 'sha512') return;
  if (digestOf(bytes, algorithm) === stored) return;
  throw new OciError(
    'DIGEST_MISMATCH',
    `pushed ${descriptor.digest}, the registry stored ${stored}`,
    {
      hint: 'The registry rewrites manifests; signatures and pins by digest will not hold there.',
    },
  );
}
