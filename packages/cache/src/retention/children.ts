import { join } from 'node:path';

import {
  type Descriptor,
  isDigest,
  isImageManifestMediaType,
  isIndexMediaType,
  maxManifestSize,
} from '@oci/spec-types';

import { textOf } from '../directory-walk.js';
import { blobKey } from '../cache-format.js';

/** Content that may point to other content. */
export type Content = Pick<Descriptor, 'digest' | 'size'> & {
  /** Absent where nobody knows. */
  readonly mediaType?: string | undefined;
};

/**
 * Returns what a manifest points to; nothing for other content, and undefined for a manifest that is missing or
 * cannot be read. Read leniently: whatever may be needed counts, and a check of every manifest takes ten times as long.
 *
 * @throws OciError `STORAGE_…` for what may not be read: that says nothing of what it points to
 */
export function childrenOf(
  dir: string,
  { digest, mediaType, size }: Content,
): readonly Content[] | undefined {
  if (mediaType !== undefined && !isManifest(mediaType)) return [];
  if (size > maxManifestSize || !isDigest(digest)) return [];
  const text = textOf(join(dir, blobKey(digest)));
  return text === undefined ? undefined : descriptorsIn(text);
}

function isManifest(mediaType: string): boolean {
  return isImageManifestMediaType(mediaType) || isIndexMediaType(mediaType);
}

function descriptorsIn(text: string): readonly Content[] | undefined {
  try {
    const { config, layers, manifests } = JSON.parse(text) as Record<string, unknown>;
    return [config, layers, manifests].flat().filter(isContent);
  } catch {
    return undefined;
  }
}

/** Whether its digest is one shows when it is read, or found to be on the disk. */
function isContent(value: unknown): value is Content {
  const { digest, size } = (value ?? {}) as { readonly digest?: unknown; readonly size?: unknown };
  return typeof digest === 'string' && typeof size === 'number';
}
