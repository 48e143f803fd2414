import { type CallOptions, amendError, isOciError } from '@oci/spec-types';

import type { ArtifactSource } from './artifact-source.js';
import type { ManifestName } from './manifest-name.js';

/**
 * A handler for `catch` that adds to `MANIFEST_UNKNOWN` the versions that do exist, nearest first.
 * Every other failure passes unchanged.
 */
export function withNearestTags(
  name: ManifestName,
  registry: ArtifactSource,
  options: CallOptions,
): (error: unknown) => Promise<never> {
  return async (error) => {
    if (!isOciError(error, 'MANIFEST_UNKNOWN')) throw error;
    // What orders versions is read from the disk only when there is something to say of them.
    const { versionHint } = await import('./version-hint.js');
    const hint = await versionHint(name, registry, options).catch(() => undefined);
    if (hint === undefined) throw error;
    throw amendError(error, { hint, reason: undefined, cause: error });
  };
}
