import {
  type Annotations,
  type Descriptor,
  OciError,
  type ResolvedManifest,
  emptyDescriptor,
  isOciError,
  mediaTypes,
} from '@oci/spec-types';
import { describeManifest } from '@oci/spec-types/node';

interface NewDocument {
  /** What kind of artifact it is; needed where there is no config of a type of its own. */
  readonly artifactType?: string | undefined;
  /** Makes it a referrer of this manifest. */
  readonly subject?: Descriptor | undefined;
  readonly annotations?: Annotations | undefined;
}

export interface NewManifest extends NewDocument {
  /** Default: the empty config, as of artifacts that have none; `pushManifest` pushes it where it is missing. */
  readonly config?: Descriptor | undefined;
  /** Default: the empty blob alone, since some registries refuse an empty list. */
  readonly layers?: readonly Descriptor[] | undefined;
}

export interface NewIndex extends NewDocument {
  readonly manifests: readonly Descriptor[];
}

type Image = ResolvedManifest & { readonly kind: 'image' };
type Index = ResolvedManifest & { readonly kind: 'index' };

/**
 * Makes a manifest of content that has been described (image-spec `manifest.md`); nothing is pushed.
 *
 * @throws OciError `USAGE`
 */
export function createManifest({
  config = emptyDescriptor,
  layers = [],
  ...rest
}: NewManifest): Image {
  const { artifactType } = rest;
  if (config.mediaType === emptyDescriptor.mediaType && artifactType === undefined) {
    throw new OciError('USAGE', 'a manifest without a config needs an artifact type', {
      hint: 'Give artifactType, or the descriptor of a config.',
    });
  }
  return describe({
    schemaVersion: 2,
    mediaType: mediaTypes.imageManifest,
    artifactType,
    config,
    layers: layers.length > 0 ? layers : [emptyDescriptor],
    ...common(rest),
  }) as Image;
}

/** Makes an index of manifests (image-spec `image-index.md`); nothing is pushed. @throws OciError `USAGE` */
export function createIndex({ manifests, ...rest }: NewIndex): Index {
  const { artifactType } = rest;
  const mediaType = mediaTypes.imageIndex;
  return describe({
    schemaVersion: 2,
    mediaType,
    artifactType,
    manifests,
    ...common(rest),
  }) as Index;
}

function common({ subject, annotations }: NewDocument): object {
  if (!subject) return { annotations };
  const { mediaType, digest, size } = subject;
  return { subject: { mediaType, digest, size }, annotations };
}

/** What was just written may be read by the rules of what comes from elsewhere, and is the caller's fault. */
function describe(document: object): ResolvedManifest {
  try {
    return describeManifest(Buffer.from(JSON.stringify(document)));
  } catch (cause) {
    if (!isOciError(cause, 'DOCUMENT_INVALID')) throw cause;
    throw new OciError('USAGE', `${cause.message}: it cannot be made`, {
      cause,
      hint: 'Descriptors need mediaType, digest and size; annotations are text.',
    });
  }
}
