import type { ExtensionType, ManifestInfo } from '@oci/manager';
import { annotations, isOciError, mediaTypes } from '@oci/spec-types';

import { recogniseFamily } from './recognise.js';

const imageConfigs: ReadonlySet<string> = new Set([
  mediaTypes.imageConfig,
  mediaTypes.dockerConfig,
]);

/** Families that a package of ours may turn out as: older ones, and those that other tools pushed. */
const own: ReadonlySet<string> = new Set(['kcl', 'extension', 'files', 'unknown']);

/**
 * Returns what an artifact is, when it is sure to be something else than a KCL package or an extension of a type; as
 * images of a program beside its extension. Undefined for what may be it.
 */
export function mismatch(
  wanted: 'kcl' | ExtensionType,
  manifest: ManifestInfo,
): string | undefined {
  const { resolved, config, artifactType, annotations: said } = manifest;
  if (resolved.kind === 'index') return 'an index';
  try {
    const { kind, family } = recogniseFamily(resolved.document);
    if (!own.has(family.name)) return `of the kind ${family.name}`;
    if (family.name === 'extension' && kind !== wanted) return `a ${kind}`;
    if (kind === 'kcl' || artifactType !== undefined || !imageConfigs.has(config?.mediaType ?? ''))
      return undefined;
    // The user guide's artifacts have the config of an image, and their version in the manifest.
    return said[annotations.version] === undefined ? 'a container image' : undefined;
  } catch (error) {
    if (isOciError(error, 'UNSUPPORTED')) return 'without content';
    throw error;
  }
}
