import type { Annotations, Descriptor, DigestAlgorithm, ResolvedManifest } from '@oci/spec-types';
import { describeManifest, digestOf } from '@oci/spec-types/node';

import { bytesOf } from '../bytes.js';

/** Content with its descriptor. */
export interface BlobBytes {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** A whole artifact in memory. */
export interface ArtifactBytes {
  readonly manifest: ResolvedManifest;
  /** Config and layers; empty for an index. */
  readonly blobs: readonly BlobBytes[];
  /** The manifests of an index. */
  readonly children: readonly ArtifactBytes[];
}

interface BlobOptions {
  readonly algorithm?: DigestAlgorithm | undefined;
  readonly annotations?: Annotations | undefined;
}

export function blobBytes(
  mediaType: string,
  content: Uint8Array | string,
  { algorithm = 'sha256', annotations }: BlobOptions = {},
): BlobBytes {
  const bytes = typeof content === 'string' ? bytesOf(content) : content;
  const descriptor = { mediaType, digest: digestOf(bytes, algorithm), size: bytes.byteLength };
  return { descriptor: annotations ? { ...descriptor, annotations } : descriptor, bytes };
}

/** The config `{}` of artifacts that have none, with its data inline as oras writes it. */
export function emptyConfigBytes(): BlobBytes {
  const { descriptor, bytes } = blobBytes('application/vnd.oci.empty.v1+json', '{}');
  return { descriptor: { ...descriptor, data: 'e30=' }, bytes };
}

/** The artifact that a manifest document and its blobs make, each blob once. */
export function artifactBytes(
  document: object,
  content: { readonly blobs?: readonly BlobBytes[]; readonly children?: readonly ArtifactBytes[] },
  servedAs?: string,
): ArtifactBytes {
  const manifest = describeManifest(bytesOf(JSON.stringify(document)), servedAs);
  const blobs = new Map(content.blobs?.map((blob) => [blob.descriptor.digest, blob]));
  return { manifest, blobs: [...blobs.values()], children: content.children ?? [] };
}

/** The bytes of one of an artifact's blobs. */
export function contentOf(
  artifact: ArtifactBytes,
  descriptor: Pick<Descriptor, 'digest'>,
): Uint8Array {
  const blob = artifact.blobs.find(({ descriptor: { digest } }) => digest === descriptor.digest);
  if (!blob) throw new RangeError(`the artifact has no blob ${descriptor.digest}`);
  return blob.bytes;
}
