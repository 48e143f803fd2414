import { currentPlatform } from '@oci/client';
import { type Descriptor, type ImageIndex, OciError, type Platform } from '@oci/spec-types';

/**
 * The manifest of an index for a platform: the first that fits, else the only one that has none.
 *
 * @throws OciError `LAYER_AMBIGUOUS`
 */
export function selectManifest(
  index: ImageIndex,
  platform: Platform = currentPlatform(),
): Descriptor {
  const fitting = index.manifests.find(
    (entry) =>
      entry.platform?.os === platform.os && entry.platform.architecture === platform.architecture,
  );
  const [only, ...others] = index.manifests;
  const chosen = fitting ?? (only && others.length === 0 ? only : undefined);
  if (chosen) return chosen;
  const offered = index.manifests
    .slice(0, 12)
    .map((entry) => `${entry.platform?.os ?? '?'}/${entry.platform?.architecture ?? '?'}`);
  throw new OciError(
    'LAYER_AMBIGUOUS',
    `the index has nothing for ${platform.os}/${platform.architecture}`,
    { hint: `It offers ${offered.join(', ') || 'nothing'}.` },
  );
}
