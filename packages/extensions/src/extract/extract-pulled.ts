import { rm } from 'node:fs/promises';

import { copyMaterialized } from '@oci/cache';
import type { PulledArtifact } from '@oci/manager';

import { withPackage } from './archive-rule.js';
import { type ExtractOptions, type ExtractedTree, extractArchive } from './extract.js';

/**
 * Unpacks what was pulled to a directory that does not exist yet, from a copy beside it: others may write to the
 * cache between a pull, which checked the file, and its end.
 *
 * @throws OciError `DIGEST_MISMATCH`, and as {@link extractArchive}, with the artifact's name
 */
export async function extractPulled(
  pulled: Pick<PulledArtifact, 'path' | 'digest' | 'size' | 'reference'>,
  destination: string,
  options: ExtractOptions = {},
): Promise<ExtractedTree> {
  const copy = `${destination}.archive`;
  try {
    await copyMaterialized(pulled.path, copy, pulled);
    return await extractArchive(copy, destination, options).catch(withPackage(pulled.reference));
  } finally {
    await rm(copy, { force: true });
  }
}
