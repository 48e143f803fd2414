import {
  type BlobSource,
  type CallOptions,
  type ImageConfig,
  OciError,
  type ResolvedManifest,
  mediaTypes,
  parseImageConfig,
} from '@oci/spec-types';

import { fetchBytes } from './blob-bytes.js';

/**
 * Fetches the config of an image: its environment, labels, entry point and history.
 *
 * @throws OciError `USAGE` for an index, `UNSUPPORTED` for an artifact whose config is none of an image,
 * `DOCUMENT_INVALID`
 */
export async function fetchConfig(
  source: BlobSource,
  manifest: ResolvedManifest,
  options: CallOptions,
): Promise<ImageConfig> {
  if (manifest.kind === 'index') {
    throw new OciError('USAGE', `${manifest.descriptor.digest} is an index, which has no config`, {
      hint: 'Choose one of its manifests by entryFor(index, platform), and fetch that.',
    });
  }
  const { config } = manifest.document;
  if (config?.mediaType !== mediaTypes.imageConfig && config?.mediaType !== mediaTypes.dockerConfig)
    throw new OciError('UNSUPPORTED', `${manifest.descriptor.digest} is no image`, {
      hint: `Its config is ${config ? `of type ${config.mediaType}` : 'missing'}: read it by fetchBytes.`,
    });
  return parseImageConfig(await fetchBytes(source, config, options));
}
