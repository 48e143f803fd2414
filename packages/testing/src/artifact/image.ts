import { type Annotations, type Descriptor, mediaTypes } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';

import { gzip } from '../archive/gzip.js';
import { type ArtifactBytes, artifactBytes, blobBytes } from './artifact-bytes.js';
import { type Files, tarOfFiles } from './files.js';

export interface ImageOptions {
  /** The files of each layer; three small layers when it is missing. */
  readonly layers?: readonly Files[] | undefined;
  readonly architecture?: string | undefined;
  readonly os?: string | undefined;
  /** Docker's media types in place of OCI's. */
  readonly docker?: boolean | undefined;
  readonly artifactType?: string | undefined;
  readonly subject?: Descriptor | undefined;
  readonly annotations?: Annotations | undefined;
}

const sampleLayers: readonly Files[] = [
  { 'etc/os-release': 'ID=sample\n' },
  { 'usr/bin/run.sh': '#!/bin/sh\n' },
  { 'etc/motd': 'hello\n' },
];

/** An image of several layers, with a config that names their uncompressed digests. */
export function image(options: ImageOptions = {}): ArtifactBytes {
  const { architecture = 'amd64', os = 'linux', docker = false } = options;
  const archives = (options.layers ?? sampleLayers).map((files) => tarOfFiles(files));
  const layerType = docker ? mediaTypes.dockerLayer : mediaTypes.layerTarGzip;
  const layers = archives.map((archive) => blobBytes(layerType, gzip(archive)));
  const config = blobBytes(
    docker ? mediaTypes.dockerConfig : mediaTypes.imageConfig,
    JSON.stringify({
      architecture,
      os,
      config: { Cmd: ['/usr/bin/run.sh'] },
      rootfs: { type: 'layers', diff_ids: archives.map((archive) => digestOf(archive)) },
    }),
  );
  const { artifactType, subject, annotations } = options;
  const document = {
    schemaVersion: 2,
    mediaType: docker ? mediaTypes.dockerManifest : mediaTypes.imageManifest,
    ...(artifactType !== undefined && { artifactType }),
    config: config.descriptor,
    layers: layers.map(({ descriptor }) => descriptor),
    ...(subject && {
      subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size },
    }),
    ...(annotations && { annotations }),
  };
  return artifactBytes(document, { blobs: [config, ...layers] });
}
