import type { Descriptor } from '@oci/spec-types';

import { type ExtractOptions, type ExtractedTree, extractLayers } from '../extract/extract.js';
import type { RecognisedArtifact } from './recognise.js';

/**
 * Puts the content of an artifact below a new directory: archives unpacked over each other in their order,
 * files by their titles.
 *
 * @param pathOf where the verified bytes of a layer are
 * @throws OciError as `extractArchive`, and `DIGEST_MISMATCH` for a tar that is not what ORAS noted
 */
export function unpackArtifact(
  artifact: RecognisedArtifact,
  pathOf: (layer: Descriptor) => string,
  destination: string,
  options: ExtractOptions = {},
): Promise<ExtractedTree> {
  const layers = artifact.content.map(({ descriptor, form, path, tarDigest, isDirectory }) => ({
    path: pathOf(descriptor),
    form,
    under: path,
    ...(tarDigest !== undefined && { tarDigest }),
    ...(isDirectory && { strip: path, links: true }),
  }));
  return extractLayers(layers, destination, options);
}
