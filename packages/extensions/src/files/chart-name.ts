import {
  type Descriptor,
  type ImageManifest,
  annotations,
  isTag,
  versionOfTag,
} from '@oci/spec-types';

const configType = 'application/vnd.cncf.helm.config.v1+json';
const endings: Readonly<Record<string, string>> = {
  'application/vnd.cncf.helm.chart.content.v1.tar+gzip': '.tgz',
  'application/tar+gzip': '.tgz',
  'application/vnd.cncf.helm.chart.provenance.v1.prov': '.tgz.prov',
};

/** How an artifact was named. */
export interface AskedName {
  /** Of the repository; undefined where it has none, as in a layout. */
  readonly repository: string | undefined;
  /** A tag, or a digest. */
  readonly reference: string;
}

/**
 * Returns the names that helm gives the files of a chart, by the reference as `helm pull` does it:
 * `name-version.tgz`. Where it has no tag, the chart's own annotation says the version.
 */
export function chartNames(
  manifest: ImageManifest,
  { repository, reference }: AskedName,
): (layer: Descriptor) => string | undefined {
  const name = repository?.slice(repository.lastIndexOf('/') + 1);
  const version = isTag(reference)
    ? versionOfTag(reference)
    : manifest.annotations?.[annotations.version];
  return (layer) => {
    const ending = Object.hasOwn(endings, layer.mediaType) ? endings[layer.mediaType] : undefined;
    const isChart = manifest.config?.mediaType === configType;
    if (!isChart || name === undefined || version === undefined || ending === undefined)
      return undefined;
    return `${name}-${version.replaceAll('/', '_')}${ending}`;
  };
}
