import {
  type Descriptor,
  type Digest,
  OciError,
  type Tag,
  isDigest,
  isOciError,
  registryPaths,
} from '@oci/spec-types';

import { type Endpoint, type RemoteOptions, call } from './endpoint.js';
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
  options: RemoteOptions,
): Promise<void> {
  const { digest } = descriptor;
  const { document } = await fetchManifest(endpoint, descriptor, options);
  const subject = document.subject?.digest;
  const isListed = subject !== undefined && !(await hasReferrersApi(endpoint, subject, options));
  await remove(endpoint, { target: digest, missing: 'MANIFEST_UNKNOWN' }, options);
  if (isListed) await removeFromReferrersTag(endpoint, { subject, digest }, options);
}

/**
 * Deletes a tag; the manifest stays (distribution-spec, "Deleting Tags").
 *
 * @throws OciError `MANIFEST_UNKNOWN`, `UNSUPPORTED` where the registry deletes manifests only
 */
export function deleteTag(endpoint: Endpoint, tag: Tag, options: RemoteOptions): Promise<void> {
  return remove(endpoint, { target: tag, missing: 'MANIFEST_UNKNOWN' }, options);
}

async function remove(
  endpoint: Endpoint,
  { target, missing }: { target: Tag | Digest; missing: 'MANIFEST_UNKNOWN' },
  options: RemoteOptions,
): Promise<void> {
  const { name } = endpoint;
  try {
    const response = await call(endpoint, {
      ...options,
      method: 'DELETE',
      target: registryPaths.manifest(name, target),
      subject: { name: `${name}${isDigest(target) ? '@' : ':'}${target}`, missing },
      expected: [200, 202, 204],
    });
    await response.body.dump();
  } catch (error) {
    throw asUnsupported(error, target);
  }
}

/** A registry that only knows digests finds a tag to be a bad one; deleting may be switched off. */
function asUnsupported(error: unknown, target: Tag | Digest): unknown {
  if (!isOciError(error)) return error;
  const isBadDigest = error.registryErrors.some(({ code }) => code === 'DIGEST_INVALID');
  if (!isOciError(error, 'UNSUPPORTED') && !isBadDigest) return error;
  const what = isDigest(target) ? 'manifests' : 'single tags';
  return new OciError('UNSUPPORTED', `the registry does not delete ${what}`, {
    cause: error,
    request: error.request,
    registryErrors: error.registryErrors,
    hint: isDigest(target)
      ? 'Deleting may be switched off there: docker-registry needs REGISTRY_STORAGE_DELETE_ENABLED=true.'
      : 'Delete the manifest that the tag points to: all its tags go with it.',
  });
}
