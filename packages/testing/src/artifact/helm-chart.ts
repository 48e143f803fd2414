import { mediaTypes } from '@oci/spec-types';

import { gzip } from '../archive/gzip.js';
import { type ArtifactBytes, artifactBytes, blobBytes } from './artifact-bytes.js';
import { type Files, tarOfFiles } from './files.js';

export interface HelmChartOptions {
  readonly name: string;
  readonly version: string;
  readonly files?: Files | undefined;
}

/** A chart as Helm pushes it: no `mediaType`, the provenance before the chart, files in `<name>/`. */
export function helmChart({ name, version, files }: HelmChartOptions): ArtifactBytes {
  const chart = files ?? {
    'Chart.yaml': `apiVersion: v2\nname: ${name}\nversion: ${version}\n`,
    'values.yaml': 'replicas: 1\n',
    'templates/deployment.yaml': 'kind: Deployment\n',
  };
  const config = blobBytes(
    'application/vnd.cncf.helm.config.v1+json',
    JSON.stringify({ name, version, apiVersion: 'v2' }),
  );
  const provenance = blobBytes(
    'application/vnd.cncf.helm.chart.provenance.v1.prov',
    '-----BEGIN PGP SIGNED MESSAGE-----\n',
  );
  const content = blobBytes(
    'application/vnd.cncf.helm.chart.content.v1.tar+gzip',
    gzip(tarOfFiles(chart, name)),
  );
  const document = {
    schemaVersion: 2,
    config: config.descriptor,
    layers: [provenance.descriptor, content.descriptor],
    annotations: {
      'org.opencontainers.image.title': name,
      'org.opencontainers.image.version': version,
    },
  };
  return artifactBytes(
    document,
    { blobs: [config, provenance, content] },
    mediaTypes.imageManifest,
  );
}
