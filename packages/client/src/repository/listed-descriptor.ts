import {
  type Descriptor,
  descriptorSchema,
  isDigest,
  isMediaType,
  mediaTypes,
} from '@oci/spec-types';

/**
 * An entry of a list of referrers. Its digest decides what is fetched, all else is a hint: an entry of
 * which only that is wrong hides nothing. Undefined without a digest.
 */
export function listedDescriptor(entry: unknown): Descriptor | undefined {
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
