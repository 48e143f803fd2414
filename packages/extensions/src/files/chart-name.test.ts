import { type ImageManifest, emptyDescriptor } from '@oci/spec-types';
import { helmChart } from '@oci/testing';
import { expect, test } from 'vitest';

import { chartNames } from './chart-name.js';
import { fileName, filePath } from './file-path.js';

const digest = `sha256:${'a'.repeat(64)}`;

function chart(annotations?: Readonly<Record<string, string>>): ImageManifest {
  const { document } = helmChart({ name: 'web', version: '1.3.0' }).manifest;
  return { ...(document as ImageManifest), ...(annotations && { annotations }) };
}

function pathsOf(
  manifest: ImageManifest,
  reference: string,
  repository: string | undefined = 'charts/web',
): readonly string[] {
  const nameOf = chartNames(manifest, { repository, reference });
  return manifest.layers.map((layer) => filePath(fileName(layer, nameOf(layer))).join('/'));
}

test('a chart is named as helm pull names it', () => {
  const manifest = chart();
  expect(pathsOf(manifest, '1.2.0')).toContain('web-1.2.0.tgz');
  expect(pathsOf(manifest, '1.2.0_b1')).toContain('web-1.2.0+b1.tgz');
  expect(pathsOf(manifest, digest)).toContain('web-1.3.0.tgz');
});

test('a chart without a version, and what is no chart, keep their digests', () => {
  const manifest = chart();
  for (const path of pathsOf(chart({}), digest)) expect(path).toMatch(/^[0-9a-f]{64}/);
  const config = { ...emptyDescriptor, mediaType: 'application/vnd.oci.image.config.v1+json' };
  for (const path of pathsOf({ ...manifest, config }, '1.0.0'))
    expect(path).toMatch(/^[0-9a-f]{64}/);
});

test('a version that is no file name is refused as a title is', () => {
  const hostile = chart({ 'org.opencontainers.image.version': '..\\..\\x' });
  expect(() => pathsOf(hostile, digest)).toThrow(
    expect.objectContaining({ code: 'ARCHIVE_UNSAFE' }),
  );
});
