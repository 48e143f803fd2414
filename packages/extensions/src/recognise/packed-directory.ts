import { type Descriptor, OciError, annotations, directoryAnnotations } from '@oci/spec-types';

import { extractLayers } from '../extract/extract.js';

/**
 * Unpacks a directory that ORAS packed. Symbolic links are made where they stay within the directory.
 *
 * @param archivePath the verified bytes of the layer
 * @param destination does not exist yet
 * @throws OciError as `extractArchive`, and `DIGEST_MISMATCH` for a tar that is not what was noted
 */
export async function unpackPackedDirectory(
  archivePath: string,
  { layer, destination }: { readonly layer: Descriptor; readonly destination: string },
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const title = layer.annotations?.[annotations.title];
  if (title === undefined)
    throw new OciError('ARCHIVE_UNSAFE', `the directory ${layer.digest} has no title`);
  const tarDigest = layer.annotations?.[directoryAnnotations.digest];
  const archive = { path: archivePath, under: '', strip: title, links: true, tarDigest };
  await extractLayers([archive], destination, options);
}
