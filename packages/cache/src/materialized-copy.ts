import { type Descriptor, OciError } from '@oci/spec-types';
import { onStorage } from '@oci/files';

import { checkedCopy } from './cloned-file.js';
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
    const isLayer = (copy: string): Promise<boolean> =>
      hasLayerContent(copy, layer.digest, async () => layer.size);
    if (await checkedCopy(path, target, isLayer)) return;
    throw new OciError('DIGEST_MISMATCH', `${path} does not have the content of ${layer.digest}`, {
      hint: 'Something else writes to the cache. Verify the cache to remove what is damaged.',
      reason: { kind: 'cache-damaged' },
    });
  });
}
