import { lstat, rm } from 'node:fs/promises';

import { type Descriptor, OciError } from '@oci/spec-types';
import { onStorage } from '@oci/files';

import { cloneFile } from './cloned-file.js';
import { hasLayerContent } from './layer-content.js';

/**
 * Copies the file at a guide's path to one that nobody else writes, and hashes the copy: what is then used is what
 * was checked, whoever changes the cache meanwhile.
 *
 * @param layer whose content the file has, as published
 * @param target a new path
 * @throws OciError `DIGEST_MISMATCH`, `STORAGE_…`
 */
export async function copyMaterialized(
  path: string,
  target: string,
  layer: Pick<Descriptor, 'digest' | 'size'>,
): Promise<void> {
  return onStorage({ path: target, neededBytes: layer.size }, async () => {
    // The copy of a pipe, or of an endless device, would not end.
    if ((await lstat(path)).isFile()) {
      await cloneFile(path, target);
      if (await hasLayerContent(target, layer.digest, async () => layer.size)) return;
      await rm(target, { force: true });
    }
    throw new OciError('DIGEST_MISMATCH', `${path} does not have the content of ${layer.digest}`, {
      hint: 'Something else writes to the cache. Verify the cache to remove what is damaged.',
      reason: { kind: 'cache-damaged' },
    });
  });
}
