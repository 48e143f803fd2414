import { type Annotations, type Platform, mediaTypes } from '@oci/spec-types';

import { type ArtifactBytes, artifactBytes } from './artifact-bytes.js';
import { image } from './image.js';

export interface ImageIndexOptions {
  /** The manifests, each with its platform; amd64 and arm64 images when it is missing. */
  readonly manifests?:
    | readonly { readonly artifact: ArtifactBytes; readonly platform?: Platform | undefined }[]
    | undefined;
  /** Docker's manifest list in place of the OCI index. */
  readonly docker?: boolean | undefined;
  readonly annotations?: Annotations | undefined;
}

/** An index of images. */
export function imageIndex({
  docker = false,
  annotations,
  ...options
}: ImageIndexOptions = {}): ArtifactBytes {
  const manifests =
    options.manifests ??
    ['amd64', 'arm64'].map((architecture) => ({
      artifact: image({ architecture, docker, layers: [{ 'etc/architecture': architecture }] }),
      platform: { architecture, os: 'linux' },
    }));
  const document = {
    schemaVersion: 2,
    mediaType: docker ? mediaTypes.dockerManifestList : mediaTypes.imageIndex,
    manifests: manifests.map(({ artifact, platform }) => ({
      ...artifact.manifest.descriptor,
      ...(platform && { platform }),
    })),
    ...(annotations && { annotations }),
  };
  return artifactBytes(document, { children: manifests.map(({ artifact }) => artifact) });
}
