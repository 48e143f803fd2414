import { type Descriptor, OciError, type ResolvedManifest, artifactTypeOf } from '@oci/spec-types';

/** Bytes of one entry of a list of referrers, and of all entries of a page; clients read 4 MiB. */
export const maxReferrerBytes: number = 1024 * 1024;

/**
 * The descriptor by which a manifest is listed among the referrers of its subject (distribution-spec,
 * "Listing Referrers"). It holds all annotations of the manifest, so these have a bound.
 *
 * @throws OciError `LIMIT_EXCEEDED`
 */
export function referrerEntryOf(manifest: ResolvedManifest): Descriptor {
  const entry = listedDescriptorOf(manifest);
  if (bytesOf(entry) <= maxReferrerBytes) return entry;
  throw new OciError(
    'LIMIT_EXCEEDED',
    `${entry.digest} has more annotations than a list of referrers can hold (${maxReferrerBytes} bytes): put them into a layer`,
  );
}

/** As {@link referrerEntryOf}, however long it is. */
export function listedDescriptorOf(manifest: ResolvedManifest): Descriptor {
  const { digest, size } = manifest.descriptor;
  const { annotations } = manifest.document;
  const artifactType = artifactTypeOf(manifest);
  return {
    mediaType: manifest.mediaType,
    digest,
    size,
    ...(artifactType !== undefined && { artifactType }),
    ...(annotations && { annotations }),
  };
}

/** Bytes of an entry in a list. */
export function bytesOf(entry: Descriptor): number {
  return Buffer.byteLength(JSON.stringify(entry));
}

/** An entry that older servers wrote without a bound; a client finds its annotations in the manifest. */
export function withinBound(entry: Descriptor): Descriptor {
  if (bytesOf(entry) <= maxReferrerBytes) return entry;
  const { mediaType, digest, size, artifactType } = entry;
  return { mediaType, digest, size, ...(artifactType !== undefined && { artifactType }) };
}
