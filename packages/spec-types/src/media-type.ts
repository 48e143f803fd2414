import { OciError } from './error.js';

/** The media types of image-spec `media-types.md`, and Docker's twins of them. */
export const mediaTypes = {
  descriptor: 'application/vnd.oci.descriptor.v1+json',
  layoutHeader: 'application/vnd.oci.layout.header.v1+json',
  imageIndex: 'application/vnd.oci.image.index.v1+json',
  imageManifest: 'application/vnd.oci.image.manifest.v1+json',
  imageConfig: 'application/vnd.oci.image.config.v1+json',
  layerTar: 'application/vnd.oci.image.layer.v1.tar',
  layerTarGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  layerTarZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  nondistributableLayerTar: 'application/vnd.oci.image.layer.nondistributable.v1.tar',
  nondistributableLayerTarGzip: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
  nondistributableLayerTarZstd: 'application/vnd.oci.image.layer.nondistributable.v1.tar+zstd',
  empty: 'application/vnd.oci.empty.v1+json',
  dockerManifestList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  dockerSchema1: 'application/vnd.docker.distribution.manifest.v1+json',
  dockerSchema1Signed: 'application/vnd.docker.distribution.manifest.v1+prettyjws',
} as const;

/** What a client can read, most wanted first: the `Accept` of a manifest request. */
export const manifestMediaTypes: readonly string[] = [
  mediaTypes.imageIndex,
  mediaTypes.imageManifest,
  mediaTypes.dockerManifestList,
  mediaTypes.dockerManifest,
];

const grammar = /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$/;

/** RFC 6838, section 4.2. */
export function isMediaType(text: unknown): text is string {
  return typeof text === 'string' && grammar.test(text);
}

/**
 * The media type of a `Content-Type` value, without parameters, in lower case.
 *
 * @throws OciError `DOCUMENT_INVALID`
 */
export function parseContentType(value: string): string {
  const type = /^[ \t]*([^ \t;]*)[ \t]*(?:;|$)/.exec(value)?.[1] ?? '';
  if (isMediaType(type)) return type.toLowerCase();
  throw new OciError(
    'DOCUMENT_INVALID',
    `invalid media type ${JSON.stringify(value.slice(0, 200))}`,
  );
}

export function isIndexMediaType(mediaType: string): boolean {
  return mediaType === mediaTypes.imageIndex || mediaType === mediaTypes.dockerManifestList;
}

export function isImageManifestMediaType(mediaType: string): boolean {
  return mediaType === mediaTypes.imageManifest || mediaType === mediaTypes.dockerManifest;
}

export function isManifestMediaType(mediaType: string): boolean {
  return isIndexMediaType(mediaType) || isImageManifestMediaType(mediaType);
}
