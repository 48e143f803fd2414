import {
  type Descriptor,
  type ImageManifest,
  OciError,
  annotations,
  mediaTypes,
} from '@oci/spec-types';

/** Layers whose media type says that they are an archive of files. */
const archiveTypes = new Set<string>([
  mediaTypes.layerTar,
  mediaTypes.layerTarGzip,
  mediaTypes.layerTarZstd,
  mediaTypes.dockerLayer,
  'application/vnd.cncf.helm.chart.content.v1.tar+gzip',
  'application/vnd.cncf.flux.content.v1.tar+gzip',
]);
const archiveTitle = /\.(?:tar|tgz|tar\.gz)$/i;

/**
 * The layer that holds the files of an artifact: the one that `selector` names, else the only one,
 * else the only archive by media type or title. It never is just the first.
 *
 * @param selector a digest, a title (`org.opencontainers.image.title`) or a media type
 * @throws OciError `LAYER_AMBIGUOUS`, `UNSUPPORTED` when there is no layer
 */
export function selectContentLayer(manifest: ImageManifest, selector?: string): Descriptor {
  const layers = manifest.layers.filter((layer) => layer.mediaType !== mediaTypes.empty);
  if (layers.length === 0) {
    throw new OciError('UNSUPPORTED', 'the artifact has no layers, so there is nothing to unpack');
  }
  if (selector !== undefined) {
    return onlyOf(
      layers,
      (layer) => names(layer).includes(selector),
      `is named ${JSON.stringify(selector)}`,
    );
  }
  const [first] = layers;
  if (first && layers.length === 1) return first;
  return onlyOf(layers, isArchive, 'alone is an archive');
}

function onlyOf(
  layers: readonly Descriptor[],
  matches: (layer: Descriptor) => boolean,
  what: string,
): Descriptor {
  const [match, ...others] = layers.filter(matches);
  if (match && others.length === 0) return match;
  const listed = layers
    .slice(0, 8)
    .map((layer) => `${titleOf(layer) ?? layer.mediaType} ${layer.digest}`);
  throw new OciError('LAYER_AMBIGUOUS', `no layer of ${layers.length} ${what}`, {
    hint: `Choose one with \`layer\`: ${listed.join(', ')}.`,
    reason: { kind: 'layer-ambiguous', layers: listed },
  });
}

function isArchive(layer: Descriptor): boolean {
  return archiveTypes.has(layer.mediaType) || archiveTitle.test(titleOf(layer) ?? '');
}

function titleOf(layer: Descriptor): string | undefined {
  return layer.annotations?.[annotations.title];
}

function names(layer: Descriptor): readonly (string | undefined)[] {
  return [layer.digest, titleOf(layer), layer.mediaType];
}
