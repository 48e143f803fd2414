import { type Descriptor, type ImageIndex, OciError, type Platform } from '@oci/spec-types';

/** The platform names of Go, which image-spec uses, for those of Node that differ. */
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };
const systems: Readonly<Record<string, string>> = { win32: 'windows' };

function hostPlatform(): Platform {
  return {
    os: systems[process.platform] ?? process.platform,
    architecture: architectures[process.arch] ?? process.arch,
  };
}

/**
 * The manifest of an index for a platform: the first that fits, else the only one that has none.
 *
 * @throws OciError `LAYER_AMBIGUOUS`
 */
export function selectManifest(index: ImageIndex, platform: Platform = hostPlatform()): Descriptor {
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
