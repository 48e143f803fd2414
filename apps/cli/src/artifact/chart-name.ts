import {
  type Descriptor,
  type ImageManifest,
  type Reference,
  annotations,
  versionOfTag,
} from '@oci/spec-types';

const configType = 'application/vnd.cncf.helm.config.v1+json';
const endings: Readonly<Record<string, string>> = {
  'application/vnd.cncf.helm.chart.content.v1.tar+gzip': '.tgz',
  'application/tar+gzip': '.tgz',
  'application/vnd.cncf.helm.chart.provenance.v1.prov': '.tgz.prov',
};

/**
 * Returns the names that helm gives the files of a chart, by the reference as `helm pull` does it:
 * `name-version.tgz`. Where it has no tag, the chart's own annotation says the version.
 */
export function chartNames(
  manifest: ImageManifest,
  { repository, tag }: Reference,
): (layer: Descriptor) => string | undefined {
  const own = manifest.annotations ?? {};
  const name = repository.slice(repository.lastIndexOf('/') + 1);
  const said = tag === undefined ? own[annotations.version] : versionOfTag(tag);
  return (layer) => {
    const ending = Object.hasOwn(endings, layer.mediaType) ? endings[layer.mediaType] : undefined;
    const isChart = manifest.config?.mediaType === configType && said !== undefined;
    return isChart && ending !== undefined
      ? `${name}-${said.replaceAll('/', '_')}${ending}`
      : undefined;
  };
}
