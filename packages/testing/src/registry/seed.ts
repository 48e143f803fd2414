import { type Descriptor, type Tag, mediaTypes } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';

import type { ArtifactBytes } from '../artifact/artifact-bytes.js';
import { bytesOf } from '../bytes.js';
import type { RepositoryContent } from './content.js';
import { readManifest } from './manifest-json.js';

export interface ManifestOptions {
  readonly tag: string | undefined;
  readonly mediaType: string | undefined;
}

/** Stores a blob without HTTP. */
export function putBlob(
  repository: RepositoryContent,
  bytes: Uint8Array,
  mediaType = 'application/octet-stream',
): Descriptor {
  const digest = digestOf(bytes);
  repository.blobs.set(digest, bytes);
  return { mediaType, digest, size: bytes.byteLength };
}

/** Stores a manifest without HTTP; the media type is the document's own unless another is given. */
export function putManifest(
  repository: RepositoryContent,
  manifest: object | Uint8Array,
  { tag, mediaType }: ManifestOptions,
): Descriptor {
  const bytes = manifest instanceof Uint8Array ? manifest : bytesOf(JSON.stringify(manifest));
  const type = mediaType ?? mediaTypeOf(bytes);
  const digest = digestOf(bytes);
  repository.manifests.set(digest, { bytes, mediaType: type });
  if (tag !== undefined) repository.tags.set(tag as Tag, digest);
  return { mediaType: type, digest, size: bytes.byteLength };
}

function mediaTypeOf(bytes: Uint8Array): string {
  const manifest = readManifest(bytes);
  return (
    manifest?.mediaType ?? (manifest?.manifests ? mediaTypes.imageIndex : mediaTypes.imageManifest)
  );
}

/** Stores an artifact with all that belongs to it, children first. */
export function putArtifact(
  repository: RepositoryContent,
  artifact: ArtifactBytes,
  tag: string | undefined,
): Descriptor {
  for (const child of artifact.children) putArtifact(repository, child, undefined);
  for (const { descriptor, bytes } of artifact.blobs)
    repository.blobs.set(descriptor.digest, bytes);
  const { bytes, mediaType } = artifact.manifest;
  return putManifest(repository, bytes, { tag, mediaType });
}
