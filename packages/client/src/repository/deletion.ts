import {
  type CallOptions,
  type Descriptor,
  type Digest,
  OciError,
  type Tag,
  isDigest,
  isOciError,
} from '@oci/spec-types';
import { registryPaths } from '@oci/spec-types/registry-api';

import { type Endpoint, call, withoutMirrors } from './endpoint.js';
import { fetchManifest } from './manifest-source.js';
import { hasReferrersApi } from './referrers.js';
import { removeFromReferrersTag } from './referrers-tag-list.js';

/**
 * Deletes a manifest and with it all its tags (distribution-spec, "Deleting Manifests"). Where the
 * registry keeps no list of a subject's referrers, it is taken out of the one that a tag holds.
 *
 * @throws OciError `MANIFEST_UNKNOWN`, `UNSUPPORTED` where the registry deletes nothing
 */
export async function deleteManifest(
  endpoint: Endpoint,
  descriptor: Descriptor,
  options: CallOptions,
): Promise<void> {
  const { digest } = descriptor;
  const { document } = await fetchManifest(withoutMirrors(endpoint), descriptor, options);
  const subject = document.subject?.digest;
  const isListed = subject !== undefined && !(await hasReferrersApi(endpoint, subject, options));
  await remove(endpoint, { what: 'manifests', target: digest }, options);
  if (isListed) await removeFromReferrersTag(endpoint, { subject, digest }, options);
}

/**
 * Deletes a tag; the manifest stays (distribution-spec, "Deleting Tags").
 *
 * @throws OciError `MANIFEST_UNKNOWN`, `UNSUPPORTED` where the registry deletes manifests only
 */
export function deleteTag(endpoint: Endpoint, tag: Tag, options: CallOptions): Promise<void> {
  return remove(endpoint, { what: 'single tags', target: tag }, options);
}

/**
 * Deletes a blob of the repository; manifests that name it are broken then (distribution-spec, "Deleting
 * Blobs").
 *
 * @throws OciError `BLOB_UNKNOWN`, `UNSUPPORTED` where the registry deletes no blobs
 */
export function deleteBlob(
  endpoint: Endpoint,
  { digest }: Descriptor,
  options: CallOptions,
): Promise<void> {
  return remove(endpoint, { what: 'blobs', target: digest }, options);
}

type Removal =
  | { readonly what: 'manifests' | 'blobs'; readonly target: Digest }
  | { readonly what: 'single tags'; readonly target: Tag };

async function remove(
  endpoint: Endpoint,
  { what, target }: Removal,
  options: CallOptions,
): Promise<void> {
  const { name } = endpoint;
  const isBlob = what === 'blobs';
  try {
    const response = await call(endpoint, {
      ...options,
      method: 'DELETE',
      target: isBlob ? registryPaths.blob(name, target) : registryPaths.manifest(name, target),
      subject: {
        name: `${name}${isDigest(target) ? '@' : ':'}${target}`,
        missing: isBlob ? 'BLOB_UNKNOWN' : 'MANIFEST_UNKNOWN',
      },
      expected: [200, 202, 204],
    });
    await response.body.dump();
  } catch (error) {
    if (isGone(error)) return;
    throw asUnsupported(error, what);
  }
}

/** What a repeated request finds missing, the one whose answer was lost has removed. */
function isGone(error: unknown): boolean {
  if (!isOciError(error, 'MANIFEST_UNKNOWN', 'BLOB_UNKNOWN')) return false;
  return (error.request?.attempts ?? 1) > 1;
}

/** A registry that only knows digests finds a tag to be a bad one; deleting may be switched off. */
function asUnsupported(error: unknown, what: Removal['what']): unknown {
  if (!isOciError(error)) return error;
  const isBadDigest = error.registryErrors.some(({ code }) => code === 'DIGEST_INVALID');
  if (!isOciError(error, 'UNSUPPORTED') && !isBadDigest) return error;
  return new OciError('UNSUPPORTED', `the registry does not delete ${what}`, {
    cause: error,
    request: error.request,
    registryErrors: error.registryErrors,
    hint:
      what === 'single tags'
        ? 'Delete the manifest that the tag points to: all its tags go with it.'
        : 'Deleting may be switched off there: docker-registry needs REGISTRY_STORAGE_DELETE_ENABLED=true.',
  });
}
