import { mediaTypes } from '@oci/spec-types';

import { gzip } from '../archive/gzip.js';
import { type ArtifactBytes, artifactBytes, blobBytes } from './artifact-bytes.js';
import { type Files, tarOfFiles } from './files.js';

export interface GuideArtifactOptions {
  readonly version: string;
  readonly files: Files;
}

/** The sample manifest of the user guide: an image config, one gzip layer without a title. */
export function guideArtifact({ version, files }: GuideArtifactOptions): ArtifactBytes {
  const config = blobBytes(
    mediaTypes.imageConfig,
    JSON.stringify({ architecture: 'amd64', os: 'linux' }),
  );
  const layer = blobBytes(mediaTypes.layerTarGzip, gzip(tarOfFiles(files)));
  const document = {
    schemaVersion: 2,
    mediaType: mediaTypes.imageManifest,
    config: config.descriptor,
    layers: [layer.descriptor],
    annotations: {
      'org.opencontainers.image.created': '2025-10-06T12:00:00Z',
      'org.opencontainers.image.version': version,
    },
  };
  return artifactBytes(document, { blobs: [config, layer] });
}
