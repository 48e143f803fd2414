import { readFile } from 'node:fs/promises';

import {
  type Descriptor,
  childrenOf,
  isImageManifestMediaType,
  isIndexMediaType,
  isOciError,
  maxManifestSize,
  parseManifest,
} from '@oci/spec-types';

import type { ContentStore } from '../content-store.js';

/** Whether a blob of this media type points to others; undefined stands for one that nobody knows. */
export function pointsToContent(mediaType: string | undefined): boolean {
  if (mediaType === undefined) return true;
  return isImageManifestMediaType(mediaType) || isIndexMediaType(mediaType);
}

/** What a manifest points to; nothing for a blob that is none, or not here. */
export async function readContent(
  content: ContentStore,
  blob: Pick<Descriptor, 'digest'> & { readonly mediaType?: string | undefined },
): Promise<readonly Descriptor[]> {
  if (!pointsToContent(blob.mediaType)) return [];
  const size = await content.size(blob.digest);
  if (size === undefined || size > maxManifestSize) return [];
  const bytes = await readFile(content.pathOf(blob.digest)).catch(() => undefined);
  if (!bytes) return [];
  try {
    return childrenOf(parseManifest(bytes));
  } catch (error) {
    if (isOciError(error)) return [];
    throw error;
  }
}
