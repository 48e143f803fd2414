import {
  type Descriptor,
  type ImageManifest,
  annotations,
  emptyDescriptor,
  mediaTypes,
  parseDigest,
} from '@oci/spec-types';
import { describe, expect, it } from 'vitest';

import { selectContentLayer } from './content-layer.js';

let count = 0;
function layer(mediaType: string, title?: string): Descriptor {
  count += 1;
  const digest = parseDigest(`sha256:${count.toString(16).padStart(64, '0')}`);
  return {
    mediaType,
    digest,
    size: 1,
    ...(title && { annotations: { [annotations.title]: title } }),
  };
}
const manifest = (...layers: Descriptor[]): ImageManifest => ({
  schemaVersion: 2,
  config: emptyDescriptor,
  layers,
});

describe('selectContentLayer', () => {
  it('takes the only layer, whatever its type', () => {
    const only = layer('application/x-unknown');
    expect(selectContentLayer(manifest(only))).toBe(only);
  });

  it('takes the only archive, wherever it stands', () => {
    const archive = layer(mediaTypes.layerTarGzip);
    const titled = layer('application/octet-stream', 'x_1.0.0.tgz');
    const other = layer('application/vnd.cncf.helm.chart.provenance.v1.prov');
    expect(selectContentLayer(manifest(other, archive))).toBe(archive);
    expect(selectContentLayer(manifest(other, titled))).toBe(titled);
  });

  it('does not choose among several archives, and names them', () => {
    const [a, b] = [layer(mediaTypes.layerTar), layer(mediaTypes.layerTar, 'b.tar')];
    const choose = (): Descriptor => selectContentLayer(manifest(a, b));
    expect(choose).toThrow(
      expect.objectContaining({ code: 'LAYER_AMBIGUOUS', hint: expect.stringContaining(b.digest) }),
    );
  });

  it('takes what is named by digest, title or media type', () => {
    const [a, b] = [layer(mediaTypes.layerTar), layer(mediaTypes.layerTarGzip, 'b.tgz')];
    for (const selector of [b.digest, 'b.tgz', b.mediaType])
      expect(selectContentLayer(manifest(a, b), selector)).toBe(b);
    expect(() => selectContentLayer(manifest(a, b), 'c')).toThrow(
      expect.objectContaining({ code: 'LAYER_AMBIGUOUS' }),
    );
  });

  it('has nothing to take where the only layer is the empty one', () => {
    expect(() => selectContentLayer(manifest(emptyDescriptor))).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED' }),
    );
  });
});
