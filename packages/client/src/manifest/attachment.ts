import {
  type Annotations,
  type CallOptions,
  type Descriptor,
  OciError,
  type ResolvedManifest,
  emptyDescriptor,
} from '@oci/spec-types';
import { quoted } from '@oci/spec-types/text';

import type { WritableRepository } from '../copy/ability.js';
import { checkDescriptor, checkMediaType } from '../repository/arguments.js';
import { pushBytes } from '../repository/blob-bytes.js';
import { createManifest } from './new-manifest.js';

/** Content of an artifact that is at hand. */
interface NewLayer {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  readonly annotations?: Annotations | undefined;
}

export interface AttachOptions extends CallOptions {
  /** What is attached, e.g. `application/spdx+json`. */
  readonly artifactType: string;
  /** Bytes to push, or descriptors of blobs that are there. Default: none; what is said is in the annotations. */
  readonly layers?: readonly (NewLayer | Descriptor)[] | undefined;
  readonly annotations?: Annotations | undefined;
}

/** @throws OciError `USAGE`, `DIGEST_INVALID` */
export function checkAttachment({ artifactType, layers = [], annotations }: AttachOptions): void {
  checkMediaType(artifactType);
  const refused = (message: string): OciError =>
    new OciError('USAGE', message, {
      hint: 'Each layer is { bytes, mediaType } or a descriptor; attachFiles of @oci/extensions/files takes paths.',
    });
  if (!Array.isArray(layers)) throw refused('the layers of an artifact are a list');
  for (const layer of layers as readonly unknown[]) {
    if (typeof layer !== 'object' || layer === null) throw refused(`${quoted(layer)} is no layer`);
    if (!('bytes' in layer)) checkDescriptor(layer as Descriptor);
    else if (!(layer.bytes instanceof Uint8Array))
      throw refused('the bytes of a layer are a Uint8Array');
    else checkMediaType((layer as NewLayer).mediaType);
  }
  createManifest({ artifactType, layers: layers.map(described), annotations });
}

/** Describes a layer as one of any content, to see whether a manifest takes it. */
function described(layer: NewLayer | Descriptor): Descriptor {
  if (!('bytes' in layer)) return layer;
  const { mediaType, annotations } = layer;
  return { ...emptyDescriptor, mediaType, ...(annotations && { annotations }) };
}

/**
 * Pushes an artifact that refers to a manifest (image-spec `manifest.md`, "subject"): an SBOM, a signature,
 * a report. `listReferrers` of the subject finds it.
 *
 * @throws OciError `USAGE`, and what a push fails with
 */
export async function attach(
  repository: Pick<WritableRepository, 'hasBlob' | 'pushBlob' | 'pushManifest'>,
  subject: Descriptor,
  options: AttachOptions,
): Promise<ResolvedManifest> {
  const { artifactType, layers: content = [], annotations, ...call } = options;
  const push = async (layer: NewLayer | Descriptor): Promise<Descriptor> => {
    if (!('bytes' in layer)) return layer;
    const { bytes, mediaType } = layer;
    const pushed = await pushBytes(repository, bytes, { ...call, mediaType });
    return layer.annotations ? { ...pushed, annotations: layer.annotations } : pushed;
  };
  const { mediaType } = emptyDescriptor;
  await pushBytes(repository, Buffer.from('{}'), { ...call, mediaType });
  const layers: Descriptor[] = [];
  for (const layer of content) layers.push(await push(layer));
  const manifest = createManifest({ artifactType, layers, subject, annotations });
  await repository.pushManifest(manifest, call);
  return manifest;
}
