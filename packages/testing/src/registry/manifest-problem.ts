import { isDigest } from '@oci/spec-types';

import type { RepositoryContent } from './content.js';
import { type LooseManifest, readManifest } from './manifest-json.js';
import { type Reply, errorReply, jsonReply } from './reply.js';

/** Why a manifest is refused: it can't be read, contradicts its type, or points to what is not there. */
export function manifestProblem(
  bytes: Uint8Array,
  context: { readonly mediaType: string; readonly repository: RepositoryContent | undefined },
): Reply | undefined {
  const manifest = readManifest(bytes);
  if (!manifest || context.mediaType === '') return errorReply(400, 'MANIFEST_INVALID');
  if (manifest.mediaType !== undefined && manifest.mediaType !== context.mediaType) {
    return errorReply(400, 'MANIFEST_INVALID', { detail: { mediaType: manifest.mediaType } });
  }
  const missing = missingContent(manifest, context.repository);
  if (missing.length === 0) return undefined;
  const errors = missing.map((digest) => ({ code: 'MANIFEST_BLOB_UNKNOWN', detail: { digest } }));
  return jsonReply(400, { errors });
}

/** A subject may be missing (distribution-spec, "Pushing Manifests with Subject"), and what has `urls`. */
function missingContent(
  manifest: LooseManifest,
  repository: RepositoryContent | undefined,
): readonly string[] {
  const blobs = [...(manifest.config ? [manifest.config] : []), ...(manifest.layers ?? [])]
    .filter(({ urls }) => urls === undefined)
    .filter(({ digest = '' }) => !isDigest(digest) || !repository?.blobs.has(digest));
  const children = (manifest.manifests ?? []).filter(
    ({ digest = '' }) => !isDigest(digest) || !repository?.manifests.has(digest),
  );
  return [...blobs, ...children].map(({ digest = '' }) => digest);
}
