import { childrenOf } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import { expect, test } from 'vitest';

import { textOf } from '../bytes.js';
import type { ArtifactBytes } from './artifact-bytes.js';
import {
  extensionArtifact,
  extensionArtifactType,
  sampleExtensionFiles,
} from './extension-artifact.js';
import { guideArtifact } from './guide-artifact.js';
import { helmChart } from './helm-chart.js';
import { imageIndex } from './image-index.js';
import { image } from './image.js';
import { kclPackage } from './kcl-package.js';

const chart = helmChart({ name: 'demo', version: '1.0.0' });

const artifacts: readonly (readonly [string, ArtifactBytes])[] = [
  ['KCL package', kclPackage({ name: 'demo', version: '1.0.0' })],
  ['taskserv', extensionArtifact({ type: 'taskserv', name: 'kubernetes', version: '1.28.0' })],
  ['provider', extensionArtifact({ type: 'provider', name: 'aws', version: '1.0.0' })],
  ['cluster', extensionArtifact({ type: 'cluster', name: 'web', version: '1.0.0' })],
  ['sample of the guide', guideArtifact({ version: '1.0.0', files: { 'kcl.mod': '' } })],
  ['Helm chart', chart],
  ['image', image()],
  ['Docker image', image({ docker: true })],
];

test.each(artifacts)('a %s has the bytes of all that its manifest names', (_, artifact) => {
  expect(artifact.manifest.descriptor.digest).toBe(digestOf(artifact.manifest.bytes));
  expect(artifact.blobs.map(({ bytes }) => digestOf(bytes))).toEqual(
    childrenOf(artifact.manifest).map(({ digest }) => digest),
  );
});

test('an index names the images that come with it, with their platforms', () => {
  const index = imageIndex();
  const named = childrenOf(index.manifest);
  expect(named.map(({ digest }) => digest)).toEqual(
    index.children.map(({ manifest }) => manifest.descriptor.digest),
  );
  expect(named.map(({ platform }) => platform?.architecture)).toEqual(['amd64', 'arm64']);
});

test('a chart does not say its media type, and its content is not the first layer', () => {
  const document = JSON.parse(textOf(chart.manifest.bytes)) as Record<string, unknown>;
  expect(document).not.toHaveProperty('mediaType');
  expect(childrenOf(chart.manifest).map(({ mediaType }) => mediaType)).toEqual([
    'application/vnd.cncf.helm.config.v1+json',
    'application/vnd.cncf.helm.chart.provenance.v1.prov',
    'application/vnd.cncf.helm.chart.content.v1.tar+gzip',
  ]);
});

test('an extension has the files of its type', () => {
  expect(Object.keys(sampleExtensionFiles('taskserv', 'k8s', '1.0.0'))).toContain(
    'default/install-k8s.sh',
  );
  const { document } = extensionArtifact({
    type: 'cluster',
    name: 'web',
    version: '1.0.0',
  }).manifest;
  expect(document).toMatchObject({ artifactType: extensionArtifactType });
});
