import { gunzipSync } from 'node:zlib';

import { describe, expect, test } from 'vitest';

import { contentOf } from './artifact-bytes.js';
import { tarOfFiles } from './files.js';
import { kclPackage, kclSum, sampleKclFiles } from './kcl-package.js';

const documentOf = (options: Parameters<typeof kclPackage>[0]): unknown =>
  JSON.parse(new TextDecoder().decode(kclPackage(options).manifest.bytes));

const empty = {
  mediaType: 'application/vnd.oci.empty.v1+json',
  digest: 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',
  size: 2,
  data: 'e30=',
};

describe('a KCL package', () => {
  test('of v0.2 has the layer type as config type and no names', () => {
    expect(documentOf({ name: 'demo', version: '0.1.0', era: 'v0.2' })).toEqual({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: {
        mediaType: 'application/vnd.oci.image.layer.v1.tar',
        digest: empty.digest,
        size: 2,
      },
      layers: [
        expect.objectContaining({
          mediaType: 'application/vnd.oci.image.layer.v1.tar',
          annotations: { 'org.opencontainers.image.title': 'demo-0.1.0.tar' },
        }),
      ],
      annotations: { 'org.opencontainers.image.created': '2023-10-23T06:24:49Z' },
    });
  });

  test.each([
    ['v0.3', 'application/vnd.oci.image.layer.v1.tar', 'demo_0.1.0.tar'],
    ['v0.12', 'application/vnd.oci.image.layer.v1.tar+gzip', 'demo_0.1.0.tgz'],
  ] as const)('of %s has the type %s, an empty config and a sum', (era, type, title) => {
    const files = sampleKclFiles('demo', '0.1.0');
    expect(documentOf({ name: 'demo', version: '0.1.0', era, files })).toEqual({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      artifactType: type,
      config: empty,
      layers: [
        expect.objectContaining({
          mediaType: type,
          annotations: { 'org.opencontainers.image.title': title },
        }),
      ],
      annotations: {
        'org.kcllang.package.description': '',
        'org.kcllang.package.name': 'demo',
        'org.kcllang.package.sum': kclSum(files),
        'org.kcllang.package.version': '0.1.0',
        'org.opencontainers.image.created': '2023-10-23T06:24:49Z',
      },
    });
  });

  test('holds its files, packed only since v0.12', () => {
    const files = { 'kcl.mod': '[package]\n', 'a/b.k': 'x = 1\n' };
    for (const era of ['v0.2', 'v0.3', 'v0.12'] as const) {
      const artifact = kclPackage({ name: 'demo', version: '1.0.0', files, era });
      const [layer] = artifact.manifest.kind === 'image' ? artifact.manifest.document.layers : [];
      const bytes = layer ? contentOf(artifact, layer) : new Uint8Array();
      const archive = era === 'v0.12' ? new Uint8Array(gunzipSync(bytes)) : bytes;
      expect(archive).toEqual(tarOfFiles(files));
    }
  });
});

describe('kclSum', () => {
  const mod = '[package]\nname = "demo"\nversion = "0.1.0"\n';

  test.each([
    [{ 'main.k': 'a = 1\n', 'kcl.mod': mod }, 'qTwWQPL8rJbyn1V3pB0Gopgxw74fXnvkTMyC9LFPF4c='],
    [
      { 'kcl.mod': mod, 'a.k': 'A\n', 'a-b.k': 'AB\n', 'a/z.k': 'AZ\n' },
      '4qYVlWgncwN8QMxAmFqR241wbRFrM5B3ZVm8JHNY948=',
    ],
    [{ '.gitignore': 'x', 'x.tar': 'x' }, '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='],
  ])('is what kpm computes of %j', (files, sum) => {
    expect(kclSum(files)).toBe(sum);
  });
});
