import {
  type CallOptions,
  OciError,
  type Platform,
  type ReadableRepository,
  type ResolvedManifest,
} from '@oci/spec-types';

import { entryFor } from './platform-choice.js';

export interface ImageForOptions extends CallOptions {
  /** Of an index, also as text (`linux/arm64`); default: that of this process. */
  readonly platform?: Platform | string | undefined;
}

/**
 * Returns an image as it is, and of an index the image for a platform.
 *
 * @throws OciError `MANIFEST_UNKNOWN` when the index has none, `USAGE`, `UNSUPPORTED` for an index of indexes
 */
export async function imageFor(
  repository: Pick<ReadableRepository, 'fetchManifest'>,
  manifest: ResolvedManifest,
  { platform, ...call }: ImageForOptions = {},
): Promise<ResolvedManifest & { readonly kind: 'image' }> {
  if (manifest.kind === 'image') return manifest;
  const child = await repository.fetchManifest(entryFor(manifest, platform), call);
  if (child.kind === 'image') return child;
  throw new OciError('UNSUPPORTED', `${manifest.descriptor.digest} is an index of indexes`, {
    hint: 'Name one of its manifests by its digest.',
  });
}
