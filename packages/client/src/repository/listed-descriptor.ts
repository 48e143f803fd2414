import {
  type CallOptions,
  type Descriptor,
  OciError,
  isDigest,
  isMediaType,
  mediaTypes,
} from '@oci/spec-types';
import { descriptorSchema, parseStrictJson } from '@oci/spec-types/schemas';

/**
 * An entry of a list of referrers. Its digest decides what is fetched, all else is a hint: an entry of
 * which only that is wrong hides nothing. Undefined without a digest.
 */
function listedDescriptor(entry: unknown): Descriptor | undefined {
  const whole = descriptorSchema.read(entry);
  if (whole) return whole;
  const { digest, mediaType, size, artifactType } = Object(entry) as Record<string, unknown>;
  if (typeof digest !== 'string' || !isDigest(digest)) return undefined;
  return {
    mediaType: isType(mediaType) ? mediaType : mediaTypes.imageManifest,
    digest,
    size: Number.isSafeInteger(size) && Number(size) >= 0 ? Number(size) : 0,
    ...(isType(artifactType) && { artifactType }),
  };
}

function isType(value: unknown): value is string {
  return typeof value === 'string' && isMediaType(value);
}

/** The referrers of a page. @throws OciError `DOCUMENT_INVALID` when it is no list */
export function entriesOf(bytes: Uint8Array, options: CallOptions): readonly Descriptor[] {
  const entries = listOf(bytes);
  if (entries) return descriptorsOf(entries, options);
  parseStrictJson(bytes);
  throw new OciError('DOCUMENT_INVALID', 'the list of referrers is not an index', {
    hint: 'Ask who runs the registry.',
  });
}

/** The entries as they are written; undefined of what is no list. Servers in Go say null for none. */
export function listOf(bytes: Uint8Array): readonly unknown[] | undefined {
  try {
    const value = Object(parseStrictJson(bytes)) as Record<string, unknown>;
    if (!('manifests' in value) && value['mediaType'] !== mediaTypes.imageIndex) return undefined;
    const entries = value['manifests'] ?? [];
    return Array.isArray(entries) ? entries : undefined;
  } catch {
    return undefined;
  }
}

/** The entries that have a digest. */
export function descriptorsOf(
  entries: readonly unknown[],
  { onEvent }: CallOptions,
): readonly Descriptor[] {
  return entries.flatMap((entry) => {
    const descriptor = listedDescriptor(entry);
    if (descriptor) return [descriptor];
    onEvent?.({ type: 'warning', message: 'a list of referrers has an entry without a digest' });
    return [];
  });
}
